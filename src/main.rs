//! Parse, load the configuration, start telemetry, run one role.

fn main() {}

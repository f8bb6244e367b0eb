//! The pairs of `tests/fixtures/spoken.tsv`, and what holds for any input: no number is ever read as another one.

mod cases;
mod pairs;
mod properties;
mod reader;

//! Keys and sealed fields.

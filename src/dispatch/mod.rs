//! Who takes a call: admission, queue, claims.

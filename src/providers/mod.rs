//! The paid senses: hearing, thinking, speaking. One trait per kind, one file per vendor; all stream.

pub mod error;
pub mod llm;
pub mod stt;
pub mod tts;

use std::{future::Future, pin::Pin};

pub use error::{Fault, ProviderError, Vendor};

/// A future behind a vendor trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

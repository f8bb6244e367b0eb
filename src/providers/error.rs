//! What went wrong at a vendor, by what the caller of the vendor can do about it.

use std::time::Duration;

use super::transport::TransportError;

/// A vendor, as a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vendor {
    /// Deepgram.
    Deepgram,
    /// OpenAI.
    OpenAi,
    /// Azure OpenAI.
    Azure,
}

impl Vendor {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Deepgram, Self::OpenAi, Self::Azure];

    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deepgram => "deepgram",
            Self::OpenAi => "openai",
            Self::Azure => "azure",
        }
    }
}

/// What a failure means for the next step. The text of a vendor's answer is never kept: it may echo patient data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Could not connect, 5xx, or the socket broke: try again, then another vendor.
    Unavailable,
    /// No answer in time: as `Unavailable`.
    Timeout,
    /// 429: not before this delay, else another vendor.
    RateLimited(Option<Duration>),
    /// The key, the deployment or an account out of quota is refused: only another vendor helps.
    Refused,
    /// 400: our request is wrong; a retry repeats the error.
    BadRequest,
    /// The vendor's filter does not let the conversation or the reply through: another vendor may, or other words.
    Filtered,
    /// A reply without a word: another vendor, or asked again.
    Empty,
    /// The vendor broke its own protocol.
    Protocol,
}

impl Fault {
    /// The label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::RateLimited(_) => "rate_limited",
            Self::Refused => "refused",
            Self::BadRequest => "bad_request",
            Self::Filtered => "filtered",
            Self::Empty => "empty",
            Self::Protocol => "protocol",
        }
    }

    /// The same request may succeed at the same vendor.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Unavailable | Self::Timeout | Self::RateLimited(_) | Self::Protocol
        )
    }
}

/// A failed provider call.
#[derive(Debug, thiserror::Error)]
#[error("{} {}", .vendor.as_str(), .fault.as_str())]
pub struct ProviderError {
    /// Whose.
    pub vendor: Vendor,
    /// What to do about it.
    pub fault: Fault,
    /// The transport's error, if there was one.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ProviderError {
    /// A failure without a transport error behind it.
    #[must_use]
    pub const fn new(vendor: Vendor, fault: Fault) -> Self {
        Self {
            vendor,
            fault,
            source: None,
        }
    }

    /// The vendor refused what it was sent, before it wrote anything.
    #[must_use]
    pub fn is_of_request(&self) -> bool {
        let source = self.source.as_deref();
        let transport = source.and_then(|e| e.downcast_ref::<TransportError>());
        matches!(transport, Some(TransportError::Status(_)))
    }

    /// Keeps the transport's error.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

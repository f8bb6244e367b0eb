//! What went wrong at a vendor, by what the caller of the vendor can do about it.

use std::time::Duration;

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
    /// The account is out of quota or the key is refused: only another vendor helps.
    Refused,
    /// 400: our request is wrong; a retry repeats the error.
    BadRequest,
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

    /// Keeps the transport's error.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }
}

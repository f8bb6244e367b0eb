//! Not part of the API: what measurements and `tests/quality` drive without a network.

pub use super::{
    AudioError,
    inbound::InboundAudio,
    outbound::OutboundAudio,
    receiver::{AudioReceiver, ReceiverConfig, Repair},
    resample::Resampler,
    sender::{AudioSender, EncodedInfo, SenderConfig},
    stats::ReceiverStats,
};

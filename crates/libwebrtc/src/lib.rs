//! A pure-Rust stand-in for LiveKit's `libwebrtc` crate: audio and data over [`str0m`] and Opus.
//!
//! The official `livekit` crate sits on a crate called `libwebrtc`, which wraps Google's C++ library.
//! This crate has the same name, version and types, so that one `[patch.crates-io]` line replaces it.
//! No C++ archive is downloaded or linked, and no thread is started: each peer connection is one task on
//! the tokio runtime that is current when it is made.
//!
//! # Path of a packet
//!
//! 1. [`PeerConnection`](peer_connection::PeerConnection) is the handle. Its methods change the *session* (`jsep`: which
//!    m-sections there are, what was offered and answered), a pure state machine behind one lock.
//! 2. A completed offer and answer is boiled down to a `Plan` (`jsep::plan`): credentials, fingerprint, which section sends
//!    and receives what. It goes to the engine over a bounded channel.
//! 3. The `engine` task owns the str0m instance, the sockets (`net`: UDP, and TCP with RFC 4571 framing), the timers
//!    and the audio of this connection. It compares the plan with what runs and changes the difference.
//! 4. Sound goes [`NativeAudioSource`](audio_source::native::NativeAudioSource) → 10 ms tick → Opus → RTP, and RTP → jitter
//!    buffer → 10 ms tick → [`NativeAudioStream`](audio_stream::native::NativeAudioStream).
//! 5. Callbacks run on the engine task. They must not block; they may call any method of this crate.
//!
//! # What is not here
//!
//! Video is negotiated but never sent or decoded; audio devices do not exist; end-to-end encryption, simulcast,
//! bandwidth estimation and TURN are missing. Each such call returns an error with
//! [`RtcErrorType::Unsupported`] or an empty list; none panics.

mod audio;
mod callback;
mod engine;
mod enum_dispatch;
mod error;
mod jsep;
mod net;
mod peer;
mod sdp;

pub mod audio_frame;
pub mod audio_source;
pub mod audio_stream;
pub mod audio_track;
pub mod data_channel;
pub mod ice_candidate;
pub mod media_stream;
pub mod media_stream_track;
pub mod native;
pub mod peer_connection;
pub mod peer_connection_factory;
pub mod prelude;
pub mod rtp_parameters;
pub mod rtp_receiver;
pub mod rtp_sender;
pub mod rtp_transceiver;
pub mod session_description;
pub mod stats;
pub mod video_source;
pub mod video_track;

#[doc(hidden)]
pub use audio::bench_support;
pub use error::{MediaType, RtcError, RtcErrorType};

//! The task of one connection: str0m, sockets, timers and audio, driven from one loop.

mod candidates;
mod channels;
mod events;
mod link;
mod media;
mod run;
mod setup;
mod stats;

use std::sync::Arc;
use std::time::Instant;

use str0m::Rtc;
use tokio::sync::mpsc;

use crate::net::Net;
use crate::peer::{Command, Peer};
use candidates::Candidates;
use channels::Channels;
use link::Link;
use media::Media;
pub(crate) use setup::start;
use stats::Measured;

/// What the task owns.
struct Engine {
    peer: Arc<Peer>,
    commands: mpsc::Receiver<Command>,
    rtc: Rtc,
    net: Net,
    link: Link,
    candidates: Candidates,
    channels: Channels,
    media: Media,
    measured: Measured,
    /// When str0m wants to be called again.
    rtc_deadline: Option<Instant>,
    /// Something was given to str0m since its outputs were last taken.
    rtc_touched: bool,
    /// The peer's certificate and credentials of the last agreement.
    agreed: Option<Agreed>,
}

struct Agreed {
    fingerprint: String,
    remote_ufrag: String,
}

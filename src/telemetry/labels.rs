//! The closed sets that metric labels are drawn from. A tenant, a call or a phone number is never one.

use crate::{
    domain::call::{Outcome, TransferResult},
    providers::{Fault, Vendor},
    tools::outcome::ToolStatus,
};

/// A closed set of label values; each is initialised to 0, so that a rate exists before the first event.
pub trait Label: Copy + 'static {
    /// The label's name.
    const NAME: &'static str;
    /// Every value.
    fn all() -> Vec<Self>;
    /// The value's text.
    fn text(self) -> &'static str;
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $label:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl Label for $name {
            const NAME: &'static str = $label;
            fn all() -> Vec<Self> { vec![$(Self::$variant),+] }
            fn text(self) -> &'static str { match self { $(Self::$variant => $text),+ } }
        }
    )+};
}

labels! {
    /// A part of one turn's latency.
    Stage = "stage" {
        /// Configured wait after the caller's last voiced frame.
        Endpointing = "endpointing",
        /// From the end of speech to the final transcript.
        SttFinal = "stt_final",
        /// From the request to the model's first token.
        LlmTtft = "llm_ttft",
        /// From the first token to the first speakable sentence.
        FirstSentence = "first_sentence",
        /// From the first sentence to the first audio byte.
        TtsTtfb = "tts_ttfb",
        /// From the end of the caller's turn to the first TTS byte.
        Ttfb = "ttfb",
        /// What we added: total less endpointing and the vendors' own delays.
        Own = "own",
    }
    /// What the admission decided.
    Admission = "result" {
        /// A new call.
        Admitted = "admitted",
        /// The same webhook again.
        Repeated = "repeated",
        /// The tenant's rate or concurrency limit.
        Limited = "limited",
        /// Nobody owns the number.
        UnknownNumber = "unknown_number",
        /// Redis or Postgres was away.
        Unavailable = "unavailable",
        /// The signature was wrong.
        Forged = "forged",
    }
    /// How a claim ended.
    Claim = "result" {
        /// This pod serves the call.
        Won = "won",
        /// Another pod, or another epoch.
        Lost = "lost",
        /// There is no such admitted call.
        Refused = "refused",
        /// Redis was away.
        Unavailable = "unavailable",
    }
    /// A pod's slots.
    SlotState = "state" {
        /// Offered to the dispatcher.
        Free = "free",
        /// Taken by a call.
        Used = "used",
    }
    /// What shows that a pod is short of CPU.
    Strain = "cause" {
        /// Frames leave late.
        Frames = "frames",
        /// Timers fire late.
        Loop = "loop",
        /// It uses nearly all it may.
        Cpu = "cpu",
    }
    /// Which offer of a call it was.
    Attempt = "attempt" {
        /// Nobody was asked before.
        First = "first",
        /// No pod took it so far.
        Again = "again",
    }
    /// Where a call was when its worker's lease lapsed.
    TakenFrom = "from" {
        /// Claimed, but not answered: it rings again.
        Ringing = "ringing",
        /// The caller was talking with the agent.
        Conversation = "conversation",
        /// The last words were said: only the room had to be closed.
        Closing = "closing",
    }
    /// How a conversation came to this pod.
    Resumption = "kind" {
        /// Its worker was gone.
        TakeOver = "take_over",
        /// Its worker gave it away.
        HandOver = "hand_over",
    }
    /// How a hand-over ended.
    HandOver = "result" {
        /// The heir has the call.
        Yielded = "yielded",
        /// No heir got ready in time; another is asked for.
        Failed = "failed",
    }
    /// The calls of the pool.
    PoolCall = "state" {
        /// No worker has claimed it.
        Ringing = "ringing",
        /// In conversation without an agent.
        Orphaned = "orphaned",
        /// A worker has it.
        Served = "served",
        /// A worker has it and asks for an heir; also counted as served.
        Heirless = "heirless",
    }
    /// The pods of the pool.
    PodState = "state" {
        /// Takes calls.
        Ready = "ready",
        /// Will go away.
        Draining = "draining",
    }
    /// A vendor's kind of work.
    ProviderKind = "kind" {
        /// Speech to text.
        Stt = "stt",
        /// Language model.
        Llm = "llm",
        /// Text to speech.
        Tts = "tts",
    }
    /// Received media packets.
    Packet = "result" {
        /// Arrived.
        Received = "received",
        /// Never arrived.
        Lost = "lost",
        /// Rebuilt from forward error correction.
        Recovered = "recovered",
        /// Arrived after its turn.
        Late = "late",
    }
    /// Where a full channel dropped a frame.
    DropPoint = "path" {
        /// Room to pipeline.
        Inbound = "inbound",
        /// Pipeline to recogniser.
        Stt = "stt",
        /// Pipeline to voice activity detection.
        Vad = "vad",
    }
    /// A write-through of session state.
    SessionWrite = "result" {
        /// In time.
        Replicated = "replicated",
        /// Not within its budget: the call went on unreplicated.
        Unreplicated = "unreplicated",
        /// A newer epoch owns the call.
        Fenced = "fenced",
    }
    /// Where a call's artifact went.
    ArtifactWrite = "result" {
        /// Sealed into Postgres.
        Stored = "stored",
        /// Sealed into Redis until Postgres is back.
        Parked = "parked",
        /// Neither took it.
        Lost = "lost",
    }
}

impl Label for Outcome {
    const NAME: &'static str = "outcome";

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn text(self) -> &'static str {
        self.as_str()
    }
}

impl Label for TransferResult {
    const NAME: &'static str = "result";

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn text(self) -> &'static str {
        self.as_str()
    }
}

impl Label for Vendor {
    const NAME: &'static str = "vendor";

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn text(self) -> &'static str {
        self.as_str()
    }
}

impl Label for ToolStatus {
    const NAME: &'static str = "status";

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn text(self) -> &'static str {
        self.as_str()
    }
}

/// A provider call's end: well, or with one of the faults.
#[derive(Clone, Copy, Debug)]
pub struct CallResult(pub Result<(), Fault>);

impl Label for CallResult {
    const NAME: &'static str = "result";

    fn all() -> Vec<Self> {
        let faults = [
            Fault::Unavailable,
            Fault::Timeout,
            Fault::RateLimited(None),
            Fault::Refused,
            Fault::BadRequest,
            Fault::Filtered,
            Fault::Empty,
            Fault::Protocol,
        ];
        std::iter::once(Ok(()))
            .chain(faults.map(Err))
            .map(Self)
            .collect()
    }

    fn text(self) -> &'static str {
        self.0.map_or_else(Fault::as_str, |()| "ok")
    }
}

//! The caller's leg in the room: from the `<Sip>` address that Twilio dials, or from an elastic trunk, to how it ended.

use std::{sync::Arc, time::Duration};

use rand::Rng;
use serde::Serialize;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{
    LiveKitAccess,
    actor::{Actor, Lines},
    line::Line,
    phone::{Over, Phone, PhoneError, Ringing},
    report::CallEvent,
    script::{Scenario, Step},
    token::{SipParticipant, Way, trunk_room},
    twilio::{DialOutcome, DialStatus},
    twiml::{Sip, TwimlError},
    understand::Understanding,
};

/// Twilio's default.
const RING_LIMIT: Duration = Duration::from_secs(30);
/// livekit-sip's, as the product provisions its trunks.
const TRUNK_RING_LIMIT: Duration = Duration::from_secs(40);

/// A leg that Twilio or livekit-sip would refuse before it rings.
#[derive(Debug, thiserror::Error)]
pub enum LegError {
    /// Not an address.
    #[error("read the SIP address")]
    Address(#[from] TwimlError),
    /// An address that does not lead to our SIP gateway or into a room.
    #[error("SIP address: {0}")]
    Route(String),
    /// The phone could not take part.
    #[error("bring the phone up")]
    Phone(#[from] PhoneError),
}

/// How a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LegEnd {
    /// The caller hung up.
    Caller,
    /// The room was closed or the leg removed.
    FarSide,
    /// Removed while ringing.
    Busy,
    /// Nobody answered in time.
    NoAnswer,
    /// LiveKit broke.
    Lost,
}

/// What a leg was.
#[derive(Clone, Debug, Serialize)]
pub struct LegReport {
    /// The SIP user.
    pub room: String,
    /// `transport=`.
    pub transport: Option<String>,
    /// From the TwiML to the answer, or to the end without one, ms.
    pub ring_ms: u64,
    /// From the answer to the end, ms.
    pub up_ms: Option<u64>,
    /// How it ended.
    pub end: LegEnd,
    /// Where the script stopped, if it did not reach its end.
    pub script: Option<String>,
    /// Steps after the one at which the other side ended the leg; 0 for a leg that was not answered.
    pub steps_left: usize,
}

impl LegReport {
    /// As Twilio's `action` URL hears of it.
    pub(super) fn outcome(&self) -> DialOutcome {
        let (status, sip_code) = match (self.up_ms, self.end) {
            (Some(_), _) => (DialStatus::Completed, 200),
            (None, LegEnd::Busy) => (DialStatus::Busy, 486),
            (None, LegEnd::NoAnswer) => (DialStatus::NoAnswer, 487),
            (None, LegEnd::Caller) => (DialStatus::Canceled, 487),
            (None, LegEnd::FarSide | LegEnd::Lost) => (DialStatus::Failed, 503),
        };
        DialOutcome {
            status,
            answered_for: self.up_ms.map(Duration::from_millis),
            is_bridged: self.up_ms.is_some(),
            sip_code,
        }
    }
}

/// Everything that a leg needs.
pub(super) struct Leg<'a> {
    pub(super) access: &'a LiveKitAccess,
    pub(super) scenario: &'a Scenario,
    /// What the caller does on this leg.
    pub(super) steps: &'a [Step],
    pub(super) lines: &'a Lines,
    pub(super) ears: Option<&'a Understanding>,
    pub(super) line: Arc<Line>,
    /// Progress for the status callback, in Twilio's words.
    pub(super) progress: mpsc::Sender<&'static str>,
}

impl Leg<'_> {
    /// Rings, plays the script, ends: the leg that Twilio dials.
    ///
    /// # Errors
    /// [`LegError`] if there was no leg.
    pub(super) async fn dial(
        &self,
        sip: &Sip,
        ring_limit: Option<Duration>,
    ) -> Result<LegReport, LegError> {
        let (room, transport) = self.check(sip)?;
        let call_id = fresh_call_id();
        let who = SipParticipant {
            room: &room,
            kind: "sip",
            from: &self.scenario.from,
            call_id: &call_id,
            way: Way::Dialled,
        };
        self.run(&who, transport, ring_limit.unwrap_or(RING_LIMIT))
            .await
    }

    /// As [`Self::dial`], for a leg that an elastic trunk brings. Gives livekit-sip's name of it, too.
    ///
    /// # Errors
    /// [`LegError`] if there was no leg.
    pub(super) async fn by_trunk(&self) -> Result<(String, LegReport), LegError> {
        let (room, call_id) = (trunk_room(&self.scenario.to), fresh_call_id());
        let who = SipParticipant {
            room: &room,
            kind: "sip",
            from: &self.scenario.from,
            call_id: &call_id,
            way: Way::Trunk {
                to: &self.scenario.to,
            },
        };
        let report = self.run(&who, None, TRUNK_RING_LIMIT).await?;
        Ok((call_id, report))
    }

    async fn run(
        &self,
        who: &SipParticipant<'_>,
        transport: Option<String>,
        ring_limit: Duration,
    ) -> Result<LegReport, LegError> {
        let started = Instant::now();
        self.report("initiated");
        let joined = Phone::join(self.access, who, self.line.clone()).await;
        let mut phone = match joined {
            Ok(phone) => phone,
            Err(PhoneError::Removed) => {
                let report = LegReport {
                    room: who.room.to_owned(),
                    transport,
                    ring_ms: millis(started),
                    up_ms: None,
                    end: LegEnd::Busy,
                    script: None,
                    steps_left: 0,
                };
                self.report(report.outcome().status.as_str());
                return Ok(report);
            }
            Err(error) => return Err(error.into()),
        };
        self.report("ringing");
        self.line.tell(CallEvent::Ringing);
        let longest = Duration::from_secs(self.scenario.longest_secs);
        let hangs_up = self.scenario.hang_up_ringing_ms.map(Duration::from_millis);
        let patience = tokio::time::sleep_until(started + hangs_up.unwrap_or(longest));
        let ringing = tokio::select! {
            ringing = phone.ring(ring_limit) => Some(ringing),
            () = patience => None,
        };
        let ring_ms = millis(started);
        let (end, up_ms, script) = match ringing {
            Some(Ringing::Answered(track)) => {
                let answered = Instant::now();
                let first_packet = Duration::from_millis(self.scenario.first_packet_ms.min(1_000));
                let mouth = phone.answered(track, first_packet).await?;
                self.report("in-progress");
                self.line.tell(CallEvent::Answered);
                let actor = Actor::new(
                    self.scenario,
                    self.steps,
                    self.lines,
                    self.ears,
                    mouth,
                    phone.keys(),
                    self.line.clone(),
                );
                let (end, script) = self.talk(&mut phone, actor).await;
                (end, Some(millis(answered)), script)
            }
            Some(Ringing::NoAnswer) => (LegEnd::NoAnswer, None, None),
            Some(Ringing::Rejected) => (LegEnd::Busy, None, None),
            Some(Ringing::Lost) => (LegEnd::Lost, None, None),
            None => (LegEnd::Caller, None, None),
        };
        if end == LegEnd::Caller {
            self.line.tell(CallEvent::HangsUp);
        }
        phone.hang_up().await;
        self.line.tell(CallEvent::Over);
        let ended_by_them = up_ms.is_some() && end != LegEnd::Caller;
        let steps = self.steps.len();
        let steps_left = steps.saturating_sub(self.line.log.lock().step + 1);
        let report = LegReport {
            room: who.room.to_owned(),
            transport,
            ring_ms,
            up_ms,
            end,
            script,
            steps_left: if ended_by_them { steps_left } else { 0 },
        };
        self.report(report.outcome().status.as_str());
        Ok(report)
    }

    /// Until somebody ends it; the caller after the script, at the latest when the longest call is over.
    async fn talk(&self, phone: &mut Phone, actor: Actor<'_>) -> (LegEnd, Option<String>) {
        let longest = Duration::from_secs(self.scenario.longest_secs);
        tokio::select! {
            over = phone.until_over() => match over {
                Over::Bye => (LegEnd::FarSide, None),
                Over::Lost => (LegEnd::Lost, Some("the connection to LiveKit broke".to_owned())),
            },
            played = timeout(longest, actor.play()) => match played {
                Ok(Ok(())) => (LegEnd::Caller, None),
                Ok(Err(stuck)) => (LegEnd::Caller, Some(stuck.to_string())),
                Err(_) => (LegEnd::Caller, Some(format!("hung up after {longest:?}"))),
            },
        }
    }

    /// Room and transport of an address that our SIP gateway would take.
    fn check(&self, sip: &Sip) -> Result<(String, Option<String>), LegError> {
        let uri = sip.parse_uri()?;
        if sip.username.as_deref().unwrap_or_default().is_empty()
            || sip.password.as_deref().unwrap_or_default().is_empty()
        {
            return Err(LegError::Route(
                "no credentials: livekit-sip answers 401".to_owned(),
            ));
        }
        if self
            .access
            .sip_host
            .as_ref()
            .is_some_and(|host| *host != uri.host)
        {
            return Err(LegError::Route(format!("host {}", uri.host)));
        }
        let parameter = |name: &str| {
            uri.parameters
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        let transport = parameter("transport");
        if transport
            .as_deref()
            .is_some_and(|transport| !matches!(transport, "udp" | "tcp" | "tls"))
        {
            return Err(LegError::Route(format!("transport {transport:?}")));
        }
        if parameter("secure").as_deref() == Some("true") && transport.as_deref() != Some("tls") {
            return Err(LegError::Route(
                "SRTP keys over a transport that everybody can read".to_owned(),
            ));
        }
        Ok((uri.user, transport))
    }

    fn report(&self, event: &'static str) {
        if self.progress.try_send(event).is_err() {
            tracing::debug!(event, "nobody takes the leg's progress");
        }
    }
}

fn fresh_call_id() -> String {
    format!("SCL_{:012x}", rand::rng().random::<u64>() >> 16)
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

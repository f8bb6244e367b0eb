//! A caller: plays Twilio towards the gateway and the phone towards LiveKit, by a [`Scenario`].
//!
//! ```text
//! Twilio:  POST /voice (signed) -> TwiML -> <Dial><Sip> -> status callbacks -> action URL -> TwiML -> ...
//! phone:                                     joins the room as livekit-sip does, rings, is answered, talks, hangs up
//! ```
//!
//! A call by an elastic trunk ([`Route::Trunk`]) begins in its room: no webhook is asked, no TwiML followed.
//!
//! Everything is real but the telephone network: signatures, TwiML, the room, Opus, speech in a phone's band. Both directions
//! are recorded on one clock, and [`measure`] reads the silences that a patient hears from that recording.
//! [`Caller::place`] keeps no global state: place as many calls at once as you like.

mod actor;
mod ear;
mod follow;
mod leg;
mod line;
pub mod measure;
mod mouth;
mod person;
mod phone;
pub mod probe;
pub mod recording;
mod report;
mod script;
#[cfg(test)]
mod tests;
mod token;
pub mod twilio;
pub mod twiml;
mod understand;

use std::{sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio::{sync::mpsc, time::Instant};
use url::Url;

use self::{
    actor::Lines, follow::Follow, line::Line, mouth::through_the_phone, twilio::TwilioLeg,
    understand::Understanding,
};
pub use self::{
    leg::{LegEnd, LegError, LegReport},
    person::Person,
    phone::PhoneError,
    report::{CallEnd, CallEvent, CallReport, Repeat},
    script::{Expect, Reply, Route, Scenario, ScenarioError, Step},
    twilio::TwilioError,
};
use crate::speech::{Flite, SpeechError};

/// A call that could not be placed, or broke the rules of Twilio or SIP.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The caller's lines could not be spoken.
    #[error("synthesise the caller's lines")]
    Speech(#[from] SpeechError),
    /// A webhook failed.
    #[error("{what}")]
    Webhook {
        /// Which.
        what: &'static str,
        /// Why.
        source: TwilioError,
    },
    /// The leg to the agent could not be made.
    #[error("dial the agent")]
    Leg(#[from] LegError),
    /// The HTTP client could not be made.
    #[error("make an HTTP client")]
    Http(#[from] reqwest::Error),
    /// TLS could not be set up.
    #[error("set TLS up")]
    Tls(#[from] rustls::Error),
    /// TwiML led round in circles.
    #[error("more than {0} documents of TwiML in one call")]
    Endless(usize),
}

/// LiveKit, as its SIP gateway reaches it.
#[derive(Clone, Debug)]
pub struct LiveKitAccess {
    /// `ws://` or `wss://`.
    pub url: String,
    /// API key.
    pub api_key: String,
    /// API secret.
    pub api_secret: String,
    /// The gateway's host in SIP addresses; any if none.
    pub sip_host: Option<String>,
}

/// Where calls go.
#[derive(Clone, Debug)]
pub struct Target {
    /// The gateway's `POST /voice`, as Twilio knows it.
    pub voice_url: Url,
    /// Twilio's auth token: signs webhooks.
    pub auth_token: String,
    /// The rooms.
    pub livekit: LiveKitAccess,
}

/// Places calls. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    http: reqwest::Client,
    flite: Arc<Flite>,
}

impl Caller {
    /// A caller that speaks with this synthesiser.
    ///
    /// # Errors
    /// [`CallError::Http`], [`CallError::Tls`].
    pub fn new(flite: Arc<Flite>) -> Result<Self, CallError> {
        let http = http_client()?;
        Ok(Self { http, flite })
    }

    /// Places one call and stays on it to its end.
    ///
    /// # Errors
    /// [`CallError`] if it could not be placed by the rules; a call that went wrong on them is a report with failures.
    pub async fn place(
        &self,
        scenario: &Scenario,
        target: &Target,
    ) -> Result<CallReport, CallError> {
        self.place_watched(scenario, target, None).await
    }

    /// As [`Self::place`]; tells what happens while it happens. A slow observer misses events.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub async fn place_watched(
        &self,
        scenario: &Scenario,
        target: &Target,
        events: Option<mpsc::Sender<CallEvent>>,
    ) -> Result<CallReport, CallError> {
        let lines = self.lines(scenario).await?;
        let ears = Understanding::of(scenario, &self.flite).await?;
        let mut twilio = TwilioLeg::new(
            self.http.clone(),
            &target.auth_token,
            target.voice_url.clone(),
            &scenario.from,
            &scenario.to,
        );
        twilio.duplicate = scenario.duplicate_webhooks;
        let line = Line::new(Instant::now(), events);
        Follow {
            access: &target.livekit,
            scenario,
            lines: &lines,
            ears: ears.as_ref(),
            line,
            twilio: Arc::new(twilio),
        }
        .run()
        .await
    }

    /// The caller's lines, spoken before the call: a person does not compute.
    async fn lines(&self, scenario: &Scenario) -> Result<Lines, SpeechError> {
        let mut lines = Lines::new();
        for text in scenario.lines() {
            let speech = self.flite.say(scenario.voice, text).await?;
            lines.insert(text.to_owned(), through_the_phone(&speech));
        }
        Ok(lines)
    }
}

/// A client as Twilio's: follows no redirect, which would turn a POST into a GET, and talks to nobody's proxy.
///
/// # Errors
/// [`CallError::Http`], [`CallError::Tls`].
pub fn http_client() -> Result<reqwest::Client, CallError> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(Duration::from_secs(5))
        .build()?)
}

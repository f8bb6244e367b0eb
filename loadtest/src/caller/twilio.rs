//! Plays Twilio towards the gateway: signed webhooks, in order, with one retry.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha1::Sha1;
use url::Url;

use super::twiml::{self, TwimlError, Verb};

/// Twilio gives a webhook this long.
const WEBHOOK_DEADLINE: Duration = Duration::from_secs(15);

/// A webhook that went wrong as Twilio sees it.
#[derive(Debug, thiserror::Error)]
pub enum TwilioError {
    /// No answer in time, or none at all.
    #[error("post the webhook")]
    Http(#[from] reqwest::Error),
    /// Not 200.
    #[error("webhook answered {0}")]
    Status(u16),
    /// The answer is not TwiML.
    #[error("read the answer")]
    Twiml(#[from] TwimlError),
    /// The same webhook, posted twice, got two answers.
    #[error("the webhook posted twice got two different answers")]
    Twice,
    /// A relative `action` that does not resolve.
    #[error("resolve a callback URL")]
    Url(#[from] url::ParseError),
}

/// One call as Twilio knows it.
#[derive(Clone, Debug)]
pub struct TwilioLeg {
    http: reqwest::Client,
    auth_token: String,
    voice_url: Url,
    /// `CA` and 32 hex digits.
    pub call_sid: String,
    from: String,
    to: String,
    /// Each webhook is posted twice; both answers must be the same.
    pub duplicate: bool,
}

/// `X-Twilio-Signature` of a form post: HMAC-SHA1 over the URL and the sorted, de-duplicated parameters.
#[must_use]
pub fn sign(auth_token: &str, url: &str, parameters: &[(String, String)]) -> String {
    let mut sorted: Vec<_> = parameters.to_vec();
    sorted.sort();
    sorted.dedup();
    let mut mac = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(url.as_bytes());
    for (key, value) in &sorted {
        mac.update(key.as_bytes());
        mac.update(value.as_bytes());
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

impl TwilioLeg {
    /// A fresh call from a patient's number to a clinic's.
    #[must_use]
    pub fn new(
        http: reqwest::Client,
        auth_token: &str,
        voice_url: Url,
        from: &str,
        to: &str,
    ) -> Self {
        let call_sid = format!("CA{:032x}", rand::rng().random::<u128>());
        Self {
            http,
            auth_token: auth_token.to_owned(),
            voice_url,
            call_sid,
            from: from.to_owned(),
            to: to.to_owned(),
            duplicate: false,
        }
    }

    /// The call comes in.
    ///
    /// # Errors
    /// See [`TwilioError`].
    pub async fn incoming(&self) -> Result<Vec<Verb>, TwilioError> {
        let body = self
            .post(&self.voice_url, &[("CallStatus", "ringing")])
            .await?;
        Ok(twiml::parse(&body)?)
    }

    /// A `<Dial>` is over: posts its `action`, gives what comes back. `call` is the caller's own state by then.
    ///
    /// # Errors
    /// See [`TwilioError`].
    pub async fn dial_done(
        &self,
        action: &str,
        outcome: &DialOutcome,
        call: CallStatus,
    ) -> Result<Vec<Verb>, TwilioError> {
        let url = self.voice_url.join(action)?;
        let duration = outcome.answered_for.map(|d| d.as_secs().to_string());
        let (sid, code) = (
            format!("CA{:032x}", rand::rng().random::<u128>()),
            outcome.sip_code.to_string(),
        );
        let mut extra = vec![
            ("CallStatus", call.as_str()),
            ("DialCallStatus", outcome.status.as_str()),
            ("DialCallSid", &sid),
            ("DialSipResponseCode", &code),
            (
                "DialBridged",
                if outcome.is_bridged { "true" } else { "false" },
            ),
        ];
        if let Some(seconds) = &duration {
            extra.push(("DialCallDuration", seconds));
        }
        Ok(twiml::parse(&self.post(&url, &extra).await?)?)
    }

    /// A leg that a `<Dial>` has made asks for its own document, or posts the key pressed on it; gives what comes back.
    ///
    /// # Errors
    /// See [`TwilioError`].
    pub async fn child(
        &self,
        url: &str,
        sid: &str,
        to: &str,
        key: Option<&str>,
    ) -> Result<Vec<Verb>, TwilioError> {
        let url = self.voice_url.join(url)?;
        let mut extra = vec![
            ("CallSid", sid),
            ("ParentCallSid", self.call_sid.as_str()),
            ("Direction", "outbound-dial"),
            ("CallStatus", "in-progress"),
            ("Called", to),
            ("To", to),
        ];
        extra.extend(key.map(|key| ("Digits", key)));
        Ok(twiml::parse(&self.post(&url, &extra).await?)?)
    }

    /// The progress of the SIP leg: its `number`th report.
    ///
    /// # Errors
    /// See [`TwilioError`].
    pub async fn status(
        &self,
        callback: &str,
        status: &str,
        number: u32,
    ) -> Result<(), TwilioError> {
        let url = self.voice_url.join(callback)?;
        self.post(
            &url,
            &[
                ("CallStatus", status),
                ("SequenceNumber", &number.to_string()),
            ],
        )
        .await
        .map(drop)
    }

    async fn post(&self, url: &Url, extra: &[(&str, &str)]) -> Result<String, TwilioError> {
        let answer = self.post_retrying(url, extra).await?;
        if self.duplicate && self.post_retrying(url, extra).await? != answer {
            return Err(TwilioError::Twice);
        }
        Ok(answer)
    }

    /// Posts once, and once more after a 5xx or a broken connection.
    async fn post_retrying(
        &self,
        url: &Url,
        extra: &[(&str, &str)],
    ) -> Result<String, TwilioError> {
        match self.post_once(url, extra).await {
            Err(TwilioError::Status(500..) | TwilioError::Http(_)) => {
                self.post_once(url, extra).await
            }
            done => done,
        }
    }

    async fn post_once(&self, url: &Url, extra: &[(&str, &str)]) -> Result<String, TwilioError> {
        let parameters = self.parameters(extra);
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&parameters)
            .finish();
        let answer = self
            .http
            .post(url.clone())
            .timeout(WEBHOOK_DEADLINE)
            .header(
                "X-Twilio-Signature",
                sign(&self.auth_token, url.as_str(), &parameters),
            )
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await?;
        let status = answer.status();
        if !status.is_success() {
            return Err(TwilioError::Status(status.as_u16()));
        }
        Ok(answer.text().await?)
    }

    fn parameters(&self, extra: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = [
            ("AccountSid", "AC00000000000000000000000000000001"),
            ("ApiVersion", "2010-04-01"),
            ("CallSid", &self.call_sid),
            ("Caller", &self.from),
            ("Called", &self.to),
            ("Direction", "inbound"),
            ("From", &self.from),
            ("To", &self.to),
        ];
        let all: BTreeMap<_, _> = own.iter().chain(extra).copied().collect();
        all.into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    }
}

/// How a dialled leg ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialOutcome {
    /// Twilio's word for it.
    pub status: DialStatus,
    /// How long it was up, if it was answered.
    pub answered_for: Option<Duration>,
    /// Whether the caller was connected with it.
    pub is_bridged: bool,
    /// The final SIP response.
    pub sip_code: u16,
}

/// `DialCallStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialStatus {
    /// Answered.
    Completed,
    /// Refused.
    Busy,
    /// Not answered in time.
    NoAnswer,
    /// Could not be reached.
    Failed,
    /// Given up before it was answered.
    Canceled,
}

/// `CallStatus` of the caller's own leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStatus {
    /// The caller waits for what comes next.
    InProgress,
    /// The caller is gone.
    Completed,
}

impl DialOutcome {
    /// A leg that was answered.
    #[must_use]
    pub const fn completed(answered_for: Duration) -> Self {
        Self {
            status: DialStatus::Completed,
            answered_for: Some(answered_for),
            is_bridged: true,
            sip_code: 200,
        }
    }
}

impl DialStatus {
    /// As Twilio writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

impl CallStatus {
    /// As Twilio writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twilio's own vectors.
    #[test]
    fn signs_as_twilio_does() {
        let parameters: Vec<_> = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
            ("Caller", "+14158675309"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .to_vec();
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(
            sign("12345", url, &parameters),
            "RSOYDt4T1cUTdK1PDd93/VVr8B8="
        );
        let with_port = "https://mycompany.com:443/myapp.php?foo=1&bar=2";
        assert_eq!(
            sign("12345", with_port, &parameters),
            "kvajT1Ptam85bY51eRf/AJRuM3w="
        );
    }
}

//! The answers that Twilio follows.

use std::fmt::{self, Write};

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};

use crate::domain::e164::E164;

/// Fixed words for the caller.
pub(super) mod say {
    pub(crate) const UNKNOWN_NUMBER: &str =
        "Sorry, this number is not in service. Please check it and call again. Goodbye.";
    pub(crate) const CANNOT_TAKE: &str = "We are sorry, we cannot take your call right now. Please call again in a few minutes. Goodbye.";
    pub(crate) const NOBODY_ANSWERED: &str =
        "Sorry, nobody could take your call. Please call again later. Goodbye.";
}

/// A TwiML document. It may speak of a patient: `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Twiml(String);

impl fmt::Debug for Twiml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Twiml")
    }
}

/// A leg to the LiveKit SIP gateway.
#[derive(Clone, Copy, Debug)]
pub struct SipLeg<'a> {
    /// Where.
    pub uri: &'a str,
    /// Digest user.
    pub username: &'a str,
    /// Digest password.
    pub password: &'a str,
    /// Seconds it may ring.
    pub timeout_secs: u64,
    /// Seconds it may last: longer than any conversation, so that nobody's leg is left behind should we all be gone.
    pub limit_secs: u64,
    /// Where Twilio asks what comes after it.
    pub action: &'a str,
    /// Where Twilio reports its progress.
    pub status_callback: &'a str,
}

/// A leg to a person.
#[derive(Clone, Copy, Debug)]
pub struct PersonLeg<'a> {
    /// Where.
    pub number: &'a E164,
    /// Where Twilio asks what comes after it.
    pub action: &'a str,
    /// The document that they hear before they are connected, if that does not hang up.
    pub whisper: Option<&'a str>,
    /// What their phone shows, if not the caller's number.
    pub shown: Option<&'a E164>,
}

/// Seconds that a person's phone rings.
const PERSON_RINGS_SECS: u64 = 30;
/// Seconds that a person and a caller may talk: what Twilio allows, unless it is told otherwise, is twice as long.
const PERSON_TALKS_SECS: u64 = 7200;
/// Seconds that a person may think after the last word of a briefing.
const KEY_WAIT_SECS: u64 = 8;

impl Twiml {
    /// Rings until the SIP side answers, then connects.
    #[must_use]
    pub fn dial_sip(leg: SipLeg<'_>) -> Self {
        let mut xml = Xml::response();
        xml.open(
            "Dial",
            &[
                ("answerOnBridge", "true"),
                ("timeout", &leg.timeout_secs.to_string()),
                ("timeLimit", &leg.limit_secs.to_string()),
                ("action", leg.action),
            ],
        );
        xml.element(
            "Sip",
            &[
                ("username", leg.username),
                ("password", leg.password),
                ("statusCallback", leg.status_callback),
                (
                    "statusCallbackEvent",
                    "initiated ringing answered completed",
                ),
            ],
            leg.uri,
        );
        xml.close("Dial");
        xml.finish()
    }

    /// Connects the caller with a person: as soon as somebody answers, or once they have heard what they are to hear.
    #[must_use]
    pub fn dial_person(leg: PersonLeg<'_>) -> Self {
        let mut xml = Xml::response();
        let (timeout, limit) = (PERSON_RINGS_SECS.to_string(), PERSON_TALKS_SECS.to_string());
        let mut attributes = vec![("timeout", timeout.as_str()), ("timeLimit", &limit)];
        attributes.extend(leg.shown.map(|number| ("callerId", number.as_str())));
        attributes.push(("action", leg.action));
        xml.open("Dial", &attributes);
        let whisper: Vec<_> = leg.whisper.map(|url| ("url", url)).into_iter().collect();
        xml.element("Number", &whisper, leg.number.as_str());
        xml.close("Dial");
        xml.finish()
    }

    /// Speaks to a person who picked up, and posts the key they press to `action`; hangs up on whoever presses none.
    #[must_use]
    pub fn ask_for_a_key(words: &str, action: &str) -> Self {
        let mut xml = Xml::response();
        let timeout = KEY_WAIT_SECS.to_string();
        xml.open(
            "Gather",
            &[
                ("numDigits", "1"),
                ("timeout", &timeout),
                ("action", action),
            ],
        );
        xml.element("Say", &[], words);
        xml.close("Gather");
        xml.element("Hangup", &[], "");
        xml.finish()
    }

    /// Connects the person who heard this with the caller: there is nothing more to do first.
    #[must_use]
    pub fn connect() -> Self {
        Xml::response().finish()
    }

    /// Speaks, then hangs up.
    #[must_use]
    pub fn say_goodbye(words: &str) -> Self {
        let mut xml = Xml::response();
        xml.element("Say", &[], words);
        xml.element("Hangup", &[], "");
        xml.finish()
    }

    /// Hangs up.
    #[must_use]
    pub fn hang_up() -> Self {
        let mut xml = Xml::response();
        xml.element("Hangup", &[], "");
        xml.finish()
    }

    /// The document's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl IntoResponse for Twiml {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/xml")], self.0).into_response()
    }
}

struct Xml(String);

impl Xml {
    fn response() -> Self {
        Self(r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#.to_owned())
    }

    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.push(format_args!("<{name}"));
        for (attribute, value) in attributes {
            self.push(format_args!(" {attribute}=\"{}\"", Escaped(value)));
        }
        self.push(format_args!(">"));
    }

    fn close(&mut self, name: &str) {
        self.push(format_args!("</{name}>"));
    }

    fn element(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.push(format_args!("{}", Escaped(text)));
        self.close(name);
    }

    fn push(&mut self, text: fmt::Arguments<'_>) {
        self.0
            .write_fmt(text)
            .expect("writing to a string does not fail");
    }

    fn finish(mut self) -> Twiml {
        self.close("Response");
        Twiml(self.0)
    }
}

/// Text as it may stand between tags and in attributes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&apos;")?,
                // Not allowed in XML 1.0 in any form.
                c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => {}
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

    #[test]
    fn a_sip_leg_carries_credentials_timeout_and_callbacks() {
        let leg = SipLeg {
            uri: "sip:call-1@sip.example;transport=tls;secure=true",
            username: "neurality",
            password: "a<b>&\"c'",
            timeout_secs: 30,
            limit_secs: 1890,
            action: "https://gw.example/twilio/dial-done?tenant=T&call=C",
            status_callback: "https://gw.example/twilio/sip-status?tenant=T&call=C",
        };
        let expected = concat!(
            r#"<Response><Dial answerOnBridge="true" timeout="30" timeLimit="1890" action="https://gw.example/twilio/dial-done?tenant=T&amp;call=C">"#,
            r#"<Sip username="neurality" password="a&lt;b&gt;&amp;&quot;c&apos;" statusCallback="https://gw.example/twilio/sip-status?tenant=T&amp;call=C" "#,
            r#"statusCallbackEvent="initiated ringing answered completed">sip:call-1@sip.example;transport=tls;secure=true</Sip></Dial></Response>"#,
        );
        assert_eq!(Twiml::dial_sip(leg).as_str(), format!("{HEAD}{expected}"));
    }

    #[test]
    fn a_person_is_dialled_with_a_way_back_and_for_a_limited_time() {
        let number = "+15550111".parse().expect("number");
        let leg = PersonLeg {
            number: &number,
            action: "https://gw.example/twilio/person-done",
            whisper: None,
            shown: None,
        };
        let expected = r#"<Response><Dial timeout="30" timeLimit="7200" action="https://gw.example/twilio/person-done"><Number>+15550111</Number></Dial></Response>"#;
        let twiml = Twiml::dial_person(leg);
        assert_eq!(twiml.as_str(), format!("{HEAD}{expected}"));
        let own = "+15550100".parse().expect("number");
        let shown = Twiml::dial_person(PersonLeg {
            shown: Some(&own),
            ..leg
        });
        assert!(shown.as_str().contains(r#" callerId="+15550100" "#));
    }

    #[test]
    fn a_person_who_takes_a_transfer_hears_first_what_it_is_about() {
        let number = "+15550111".parse().expect("number");
        let expected = concat!(
            r#"<Response><Dial timeout="30" timeLimit="7200" action="https://gw.example/done?a=1&amp;b=2">"#,
            r#"<Number url="https://gw.example/whisper?a=1&amp;b=2">+15550111</Number></Dial></Response>"#,
        );
        let twiml = Twiml::dial_person(PersonLeg {
            number: &number,
            action: "https://gw.example/done?a=1&b=2",
            whisper: Some("https://gw.example/whisper?a=1&b=2"),
            shown: None,
        });
        assert_eq!(twiml.as_str(), format!("{HEAD}{expected}"));
        let expected = concat!(
            r#"<Response><Gather numDigits="1" timeout="8" action="https://gw.example/whisper?a=1&amp;b=2">"#,
            "<Say>Press 1.</Say></Gather><Hangup></Hangup></Response>",
        );
        let twiml = Twiml::ask_for_a_key("Press 1.", "https://gw.example/whisper?a=1&b=2");
        assert_eq!(twiml.as_str(), format!("{HEAD}{expected}"));
        let connect = Twiml::connect();
        assert_eq!(connect.as_str(), format!("{HEAD}<Response></Response>"));
    }

    #[test]
    fn words_are_escaped_and_control_characters_dropped() {
        let expected = "<Response><Say>Tom &amp; Jerry</Say><Hangup></Hangup></Response>";
        assert_eq!(
            Twiml::say_goodbye("Tom & \u{0}Jerry").as_str(),
            format!("{HEAD}{expected}")
        );
        assert_eq!(
            Twiml::hang_up().as_str(),
            format!("{HEAD}<Response><Hangup></Hangup></Response>")
        );
    }
}

//! TwiML as Twilio reads it, strictly: an unknown verb or attribute is an error here, where Twilio would only warn on its console.

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

/// A document Twilio would not accept.
#[derive(Debug, thiserror::Error)]
pub enum TwimlError {
    /// Not XML.
    #[error("malformed XML")]
    Xml(#[from] quick_xml::Error),
    /// An attribute is not XML.
    #[error("malformed attribute")]
    Attribute(#[from] quick_xml::events::attributes::AttrError),
    /// Not what TwiML allows here.
    #[error("not TwiML: {0}")]
    Form(String),
}

/// What Twilio does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Speaks a text to the caller.
    Say(String),
    /// Waits so many seconds.
    Pause(u64),
    /// Ends the call.
    Hangup,
    /// Rings somebody.
    Dial(Dial),
    /// Waits for keys.
    Gather(Gather),
}

/// `<Gather>` of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gather {
    /// Where the keys are posted; the same document if none.
    pub action: Option<String>,
    /// So many keys.
    pub digits: Option<u64>,
    /// Seconds of silence before it goes on without any.
    pub timeout: Option<u64>,
    /// What is spoken meanwhile.
    pub says: Vec<String>,
}

/// `<Number>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Number {
    /// Whom.
    pub number: String,
    /// The document for them, before they are connected.
    pub url: Option<String>,
}

/// `<Dial>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dial {
    /// Where the outcome is posted.
    pub action: Option<String>,
    /// Seconds to ring.
    pub timeout: Option<u64>,
    /// Whether the caller rings until the far side answers.
    pub answer_on_bridge: bool,
    /// Whom.
    pub target: Option<DialTarget>,
}

/// Whom a `<Dial>` rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialTarget {
    /// A phone number.
    Number(Number),
    /// A SIP address.
    Sip(Sip),
}

/// `<Sip>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sip {
    /// `sip:user@host;...`
    pub uri: String,
    /// Digest user.
    pub username: Option<String>,
    /// Digest password.
    pub password: Option<String>,
    /// Where the leg's progress is posted.
    pub status_callback: Option<String>,
    /// Which progress.
    pub status_events: Vec<String>,
}

/// The user, host and parameters of a SIP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipUri {
    /// Before the `@`.
    pub user: String,
    /// Behind it.
    pub host: String,
    /// `;name=value`.
    pub parameters: Vec<(String, String)>,
}

impl Sip {
    /// Takes the address apart.
    ///
    /// # Errors
    /// It is not one Twilio would dial (also: 255 characters or more).
    pub fn parse_uri(&self) -> Result<SipUri, TwimlError> {
        let bad = || TwimlError::Form("SIP address".to_owned());
        if self.uri.len() >= 255 {
            return Err(bad());
        }
        let rest = self.uri.strip_prefix("sip:").ok_or_else(bad)?;
        let address = rest.split('?').next().unwrap_or_default();
        let mut parts = address.split(';');
        let (user, host) = parts
            .next()
            .and_then(|a| a.split_once('@'))
            .ok_or_else(bad)?;
        let parameters = parts
            .map(|p| p.split_once('=').unwrap_or((p, "")))
            .map(|(k, v)| (k.to_owned(), v.to_owned()));
        if user.is_empty() || host.is_empty() {
            return Err(bad());
        }
        Ok(SipUri {
            user: user.to_owned(),
            host: host.to_owned(),
            parameters: parameters.collect(),
        })
    }
}

/// Reads a document.
///
/// # Errors
/// [`TwimlError`] says what Twilio would stumble over.
pub fn parse(document: &str) -> Result<Vec<Verb>, TwimlError> {
    let mut reader = Reader::from_str(document);
    reader.config_mut().trim_text(true);
    let mut parser = Parser::default();
    loop {
        match reader.read_event()? {
            Event::Start(tag) => parser.open(&tag)?,
            Event::Empty(tag) => {
                parser.open(&tag)?;
                parser.close()?;
            }
            Event::End(_) => parser.close()?,
            Event::Text(text) => parser.text(&text.decode().map_err(quick_xml::Error::from)?)?,
            Event::GeneralRef(entity) => {
                parser.entity(&entity.decode().map_err(quick_xml::Error::from)?)?
            }
            Event::Decl(_) | Event::Comment(_) => {}
            Event::Eof => return parser.finish(),
            other => return Err(TwimlError::Form(format!("{other:?}"))),
        }
    }
}

/// An element that is open.
enum Open {
    Response,
    Say(String),
    Pause(u64),
    Hangup,
    Dial(Dial),
    Gather(Gather),
    Number(Number),
    Sip(Sip),
}

#[derive(Default)]
struct Parser {
    stack: Vec<Open>,
    verbs: Vec<Verb>,
    complete: bool,
}

impl Parser {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), TwimlError> {
        let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute?;
            let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            attributes.push((key, attribute.unescape_value()?.into_owned()));
        }
        let open = match (self.stack.last(), name.as_str()) {
            (None, "Response") if !self.complete => none(&name, &attributes, Open::Response)?,
            (Some(Open::Response), "Hangup") => none(&name, &attributes, Open::Hangup)?,
            (Some(Open::Response | Open::Gather(_)), "Say") => say(&attributes)?,
            (Some(Open::Response), "Gather") => Open::Gather(gather(&attributes)?),
            (Some(Open::Response), "Pause") => pause(&attributes)?,
            (Some(Open::Response), "Dial") => Open::Dial(dial(&attributes)?),
            (Some(Open::Dial(_)), "Number") => Open::Number(dialled(&attributes)?),
            (Some(Open::Dial(_)), "Sip") => Open::Sip(sip(&attributes)?),
            _ => return Err(TwimlError::Form(format!("<{name}> here"))),
        };
        self.stack.push(open);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), TwimlError> {
        match self.stack.last_mut() {
            Some(Open::Say(t) | Open::Number(Number { number: t, .. })) => t.push_str(text),
            Some(Open::Sip(sip)) => sip.uri.push_str(text),
            _ => return Err(TwimlError::Form(format!("text {text:?}"))),
        }
        Ok(())
    }

    fn entity(&mut self, name: &str) -> Result<(), TwimlError> {
        let text = quick_xml::escape::resolve_predefined_entity(name)
            .ok_or_else(|| TwimlError::Form(format!("entity {name}")))?;
        self.text(text)
    }

    fn close(&mut self) -> Result<(), TwimlError> {
        match self.stack.pop() {
            Some(Open::Response) => self.complete = true,
            Some(Open::Say(text)) => match self.stack.last_mut() {
                Some(Open::Gather(gather)) => gather.says.push(text),
                _ => self.verbs.push(Verb::Say(text)),
            },
            Some(Open::Gather(gather)) => self.verbs.push(Verb::Gather(gather)),
            Some(Open::Pause(seconds)) => self.verbs.push(Verb::Pause(seconds)),
            Some(Open::Hangup) => self.verbs.push(Verb::Hangup),
            Some(Open::Dial(dial)) => self.verbs.push(Verb::Dial(dial)),
            Some(Open::Number(number)) => self.target(DialTarget::Number(number))?,
            Some(Open::Sip(sip)) => self.target(DialTarget::Sip(sip))?,
            None => return Err(TwimlError::Form("unbalanced element".to_owned())),
        }
        Ok(())
    }

    fn target(&mut self, target: DialTarget) -> Result<(), TwimlError> {
        match self.stack.last_mut() {
            Some(Open::Dial(dial)) if dial.target.is_none() => dial.target = Some(target),
            _ => return Err(TwimlError::Form("two targets in one <Dial>".to_owned())),
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Verb>, TwimlError> {
        if !self.complete || !self.stack.is_empty() {
            return Err(TwimlError::Form("no complete <Response>".to_owned()));
        }
        Ok(self.verbs)
    }
}

type Attributes = [(String, String)];

fn none(name: &str, attributes: &Attributes, open: Open) -> Result<Open, TwimlError> {
    if attributes.is_empty() {
        Ok(open)
    } else {
        Err(TwimlError::Form(format!("attributes of <{name}>")))
    }
}

fn unknown(tag: &str, attribute: &str) -> TwimlError {
    TwimlError::Form(format!("attribute {attribute} of <{tag}>"))
}

fn number(tag: &str, name: &str, value: &str) -> Result<u64, TwimlError> {
    value.parse().map_err(|_| unknown(tag, name))
}

fn say(attributes: &Attributes) -> Result<Open, TwimlError> {
    match attributes
        .iter()
        .find(|(name, _)| !matches!(name.as_str(), "voice" | "language" | "loop"))
    {
        Some((name, _)) => Err(unknown("Say", name)),
        None => Ok(Open::Say(String::new())),
    }
}

fn pause(attributes: &Attributes) -> Result<Open, TwimlError> {
    match attributes {
        [] => Ok(Open::Pause(1)),
        [(name, value)] if name == "length" => Ok(Open::Pause(number("Pause", name, value)?)),
        _ => Err(TwimlError::Form("attributes of <Pause>".to_owned())),
    }
}

fn dial(attributes: &Attributes) -> Result<Dial, TwimlError> {
    let mut dial = Dial::default();
    for (name, value) in attributes {
        match (name.as_str(), value.as_str()) {
            ("action", url) => dial.action = Some(url.to_owned()),
            ("method", "POST") | ("callerId" | "timeLimit", _) => {}
            ("timeout", seconds) => dial.timeout = Some(number("Dial", name, seconds)?),
            ("answerOnBridge", flag @ ("true" | "false")) => dial.answer_on_bridge = flag == "true",
            _ => return Err(unknown("Dial", name)),
        }
    }
    Ok(dial)
}

fn gather(attributes: &Attributes) -> Result<Gather, TwimlError> {
    let mut gather = Gather::default();
    for (name, value) in attributes {
        match (name.as_str(), value.as_str()) {
            ("action", url) => gather.action = Some(url.to_owned()),
            ("method", "POST") | ("input", "dtmf") => {}
            ("numDigits", count) => gather.digits = Some(number("Gather", name, count)?),
            ("timeout", seconds) => gather.timeout = Some(number("Gather", name, seconds)?),
            _ => return Err(unknown("Gather", name)),
        }
    }
    Ok(gather)
}

fn dialled(attributes: &Attributes) -> Result<Number, TwimlError> {
    let mut dialled = Number::default();
    for (name, value) in attributes {
        match (name.as_str(), value.as_str()) {
            ("url", url) => dialled.url = Some(url.to_owned()),
            ("method", "POST") => {}
            _ => return Err(unknown("Number", name)),
        }
    }
    Ok(dialled)
}

fn sip(attributes: &Attributes) -> Result<Sip, TwimlError> {
    const EVENTS: [&str; 4] = ["initiated", "ringing", "answered", "completed"];
    let mut sip = Sip::default();
    for (name, value) in attributes {
        match name.as_str() {
            "username" => sip.username = Some(value.clone()),
            "password" => sip.password = Some(value.clone()),
            "statusCallback" => sip.status_callback = Some(value.clone()),
            "statusCallbackMethod" if value == "POST" => {}
            "statusCallbackEvent" => {
                sip.status_events = value.split_whitespace().map(str::to_owned).collect()
            }
            _ => return Err(unknown("Sip", name)),
        }
    }
    match sip
        .status_events
        .iter()
        .find(|event| !EVENTS.contains(&event.as_str()))
    {
        Some(event) => Err(TwimlError::Form(format!("event {event}"))),
        None => Ok(sip),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_route_to_livekit() {
        let document = r#"<?xml version="1.0" encoding="UTF-8"?><Response><Dial answerOnBridge="true" timeout="30"
            action="/twilio/dial-done?a=1&amp;b=2"><Sip username="u" password="p&amp;q" statusCallbackEvent="answered completed"
            statusCallback="https://x/s">sip:call-ab@sip.example;transport=tls;secure=true</Sip></Dial></Response>"#;
        let verbs = parse(document).expect("valid TwiML");
        let [Verb::Dial(dial)] = verbs.as_slice() else {
            panic!("one <Dial>: {verbs:?}")
        };
        assert_eq!(dial.action.as_deref(), Some("/twilio/dial-done?a=1&b=2"));
        let Some(DialTarget::Sip(sip)) = &dial.target else {
            panic!("a <Sip>")
        };
        assert_eq!(sip.password.as_deref(), Some("p&q"));
        let uri = sip.parse_uri().expect("a SIP address");
        assert_eq!(
            (uri.user.as_str(), uri.host.as_str()),
            ("call-ab", "sip.example")
        );
        assert_eq!(uri.parameters[1], ("secure".to_owned(), "true".to_owned()));
    }

    #[test]
    fn reads_speech_with_entities() {
        let verbs =
            parse("<Response><Say>Miller &amp; Sons</Say><Hangup/></Response>").expect("valid");
        assert_eq!(verbs.last(), Some(&Verb::Hangup));
        assert!(
            matches!(&verbs[0], Verb::Say(text) if text.replace(' ', "") == "Miller&Sons"),
            "{verbs:?}"
        );
    }

    #[test]
    fn reads_what_a_person_is_asked_before_a_call() {
        let verbs = parse(
            r#"<Response><Dial><Number url="/whisper?a=1&amp;b=2">+12125550191</Number></Dial></Response>"#,
        );
        let verbs = verbs.expect("valid");
        let Some(Verb::Dial(dial)) = verbs.first() else {
            panic!("{verbs:?}")
        };
        let number = Number {
            number: "+12125550191".to_owned(),
            url: Some("/whisper?a=1&b=2".to_owned()),
        };
        assert_eq!(dial.target, Some(DialTarget::Number(number)));
        let asks = r#"<Response><Gather numDigits="1" timeout="8" action="/key"><Say>Press 1.</Say></Gather><Hangup/></Response>"#;
        let gather = Gather {
            action: Some("/key".to_owned()),
            digits: Some(1),
            timeout: Some(8),
            says: vec!["Press 1.".to_owned()],
        };
        let expected = [Verb::Gather(gather), Verb::Hangup];
        assert_eq!(parse(asks).expect("valid"), expected);
        assert_eq!(parse("<Response></Response>").expect("valid"), []);
    }

    #[test]
    fn refuses_what_twilio_does_not_know() {
        for bad in [
            "",
            "<Response>",
            "<Response><Speak>x</Speak></Response>",
            "<Response><Dial><Number>1</Number><Number>2</Number></Dial></Response>",
            r#"<Response><Dial foo="1"><Number>1</Number></Dial></Response>"#,
            r#"<Response><Hangup now="1"/></Response>"#,
            "<Response/><Response/>",
            "text",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

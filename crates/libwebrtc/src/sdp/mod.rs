//! Session descriptions: just enough SDP to negotiate bundled audio, video and data.
//!
//! [`Sdp::parse`] keeps every attribute in order; the accessors in [`section`] interpret those that this
//! crate acts on. [`write`] builds text.

mod section;
pub(crate) mod write;

pub(crate) use section::{Direction, Kind, Msid, Section, Setup};

use crate::session_description::SdpParseError;

/// `a=name` or `a=name:value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Attribute {
    fn parse(text: &str) -> Self {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }
}

/// The ICE user name fragment and password of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IceCredentials {
    pub(crate) ufrag: String,
    pub(crate) password: String,
}

/// A parsed session description.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sdp {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) sections: Vec<Section>,
}

impl Sdp {
    pub(crate) fn parse(text: &str) -> Result<Self, SdpParseError> {
        let mut lines = text
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty());
        match lines.next() {
            Some("v=0") => {}
            first => return Err(error(first.unwrap_or_default(), "expected v=0")),
        }
        let mut sdp = Self::default();
        for line in lines {
            sdp.parse_line(line)?;
        }
        Ok(sdp)
    }

    fn parse_line(&mut self, line: &str) -> Result<(), SdpParseError> {
        let Some((kind, value)) = line.split_once('=').filter(|(kind, _)| kind.len() == 1) else {
            return Err(error(line, "expected <letter>=<value>"));
        };
        match kind {
            "m" => self
                .sections
                .push(Section::parse(value).map_err(|what| error(line, what))?),
            "a" => {
                let section = self.sections.last_mut();
                let list = section.map_or(&mut self.attributes, |section| &mut section.attributes);
                list.push(Attribute::parse(value));
            }
            _ => {} // connection data, timing, bandwidth: fixed or of no use here
        }
        Ok(())
    }

    /// The section's own value of an attribute, or that of the whole session.
    fn inherited<'a>(&'a self, section: &'a Section, name: &str) -> Option<&'a str> {
        section.value(name).or_else(|| find(&self.attributes, name))
    }

    /// The section that carries the transport of the bundle: the first that is not rejected.
    pub(crate) fn transport_section(&self) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| !section.is_rejected())
            .or(self.sections.first())
    }

    pub(crate) fn ice_credentials(&self) -> Option<IceCredentials> {
        let section = self.transport_section()?;
        let ufrag = self.inherited(section, "ice-ufrag")?.to_owned();
        let password = self.inherited(section, "ice-pwd")?.to_owned();
        Some(IceCredentials { ufrag, password })
    }

    /// Hash function and hash of the certificate, as in `sha-256 AB:CD:…`.
    pub(crate) fn fingerprint(&self) -> Option<&str> {
        self.inherited(self.transport_section()?, "fingerprint")
    }

    pub(crate) fn setup(&self) -> Option<Setup> {
        Setup::parse(self.inherited(self.transport_section()?, "setup")?)
    }

    pub(crate) fn is_ice_lite(&self) -> bool {
        find(&self.attributes, "ice-lite").is_some()
    }

    /// All candidates in the text, as attribute values with their `candidate:` prefix.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = String> + '_ {
        let own = self.attributes.iter();
        let all = own.chain(
            self.sections
                .iter()
                .flat_map(|section| section.attributes.iter()),
        );
        all.filter(|a| a.name == "candidate")
            .map(|a| format!("candidate:{}", a.value))
    }
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|a| a.name == name)
        .map(|a| a.value.as_str())
}

fn error(line: &str, description: &str) -> SdpParseError {
    SdpParseError {
        line: line.to_owned(),
        description: description.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n\
        a=fingerprint:sha-256 AA:BB\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\n\
        m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=setup:active\r\na=mid:1\r\n\
        a=ice-ufrag:u\r\na=ice-pwd:p\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n\
        a=ssrc:77 cname:x\r\na=ssrc:77 msid:s t\r\na=msid:PA_a|TR_b TR_b\r\na=sendonly\r\n\
        a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";

    #[test]
    fn reads_transport_from_the_first_live_section() {
        let sdp = Sdp::parse(ANSWER).expect("parses");
        let credentials = sdp.ice_credentials().expect("has credentials");
        assert_eq!((&*credentials.ufrag, &*credentials.password), ("u", "p"));
        assert_eq!(sdp.fingerprint(), Some("sha-256 AA:BB"));
        assert_eq!(sdp.setup(), Some(Setup::Active));
        assert!(sdp.is_ice_lite());
        assert_eq!(sdp.candidates().count(), 1);
    }

    #[test]
    fn reads_what_a_section_sends() {
        let sdp = Sdp::parse(ANSWER).expect("parses");
        let section = &sdp.sections[1];
        assert!(sdp.sections[0].is_rejected());
        assert_eq!(section.kind, Kind::Audio);
        assert_eq!(section.direction(), Direction::SendOnly);
        assert_eq!(section.payload_type("opus"), Some(111));
        assert_eq!(section.ssrc(), Some(77));
        let msid = section.msid().expect("has an msid");
        assert_eq!((&*msid.stream, &*msid.track), ("PA_a|TR_b", "TR_b"));
    }

    #[test]
    fn malformed_text_is_an_error_that_names_the_line() {
        assert!(Sdp::parse("").is_err());
        assert!(Sdp::parse("hello").is_err());
        let error = Sdp::parse("v=0\r\nm=audio\r\n").expect_err("short m-line");
        assert_eq!(error.line, "m=audio");
        assert!(Sdp::parse("v=0\r\nnonsense\r\n").is_err());
    }

    fn read_all(sdp: &Sdp) {
        sdp.ice_credentials();
        sdp.fingerprint();
        sdp.setup();
        sdp.candidates().for_each(drop);
        for section in &sdp.sections {
            section.direction();
            section.ssrc();
            section.msid();
            section.extension(write::MID);
            section.payload_type("opus");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            Sdp::parse(&text).iter().for_each(read_all);
        }

        #[test]
        fn no_mutation_makes_the_parser_panic(cut in 0..ANSWER.len(), insert in ".{0,12}", keep in 0..400usize) {
            let end = (cut + keep).min(ANSWER.len());
            let text = format!("{}{insert}{}", &ANSWER[..cut], &ANSWER[end..]);
            Sdp::parse(&text).iter().for_each(read_all);
        }
    }
}

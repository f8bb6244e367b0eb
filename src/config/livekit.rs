use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use url::Url;

use super::{ConfigError, Secret};
use crate::domain::{e164::E164, placement::ProjectName};

/// LiveKit server and SIP gateway: the project `default`, and what others take from it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveKitConfig {
    /// `ws://` or `wss://` of the server.
    pub url: Url,
    /// API key.
    pub api_key: String,
    /// API secret.
    pub api_secret: Secret,
    /// Name our workers register under; dispatches name it.
    pub agent_name: String,
    /// Host of the SIP gateway, as Twilio reaches it.
    pub sip_host: String,
    /// SIP transport parameter: `tls`, `tcp` or `udp`.
    pub sip_transport: SipTransport,
    /// Digest user of the inbound trunk.
    pub sip_username: String,
    /// Digest password of the inbound trunk.
    pub sip_password: Secret,
    /// Trunk's ringing timeout, seconds.
    pub sip_ringing_timeout_secs: u64,
    /// Numbers that elastic SIP trunks bring straight to LiveKit, without our webhook.
    pub elastic_numbers: Vec<E164>,
    /// Where those trunks signal from: addresses or CIDR ranges of the carrier.
    pub elastic_addresses: Vec<String>,
    /// Seconds an empty room lives.
    pub room_empty_timeout_secs: u64,
    /// Seconds a room lives after its last participant left.
    pub room_departure_timeout_secs: u64,
    /// Milliseconds for one server API request.
    pub api_timeout_ms: u64,
    /// Projects of clinics that bring their own keys, by the name that a clinic's `livekit_project` gives.
    pub projects: BTreeMap<ProjectName, LiveKitProject>,
}

/// Another LiveKit project. What it leaves out is as in the section `livekit`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveKitProject {
    /// `ws://` or `wss://` of its server.
    pub url: Url,
    /// API key.
    pub api_key: String,
    /// API secret.
    pub api_secret: Secret,
    /// Host of its SIP gateway.
    pub sip_host: String,
    /// SIP transport parameter.
    pub sip_transport: Option<SipTransport>,
    /// Digest user of its inbound trunk.
    pub sip_username: Option<String>,
    /// Digest password of its inbound trunk.
    pub sip_password: Option<Secret>,
    /// Numbers that elastic SIP trunks bring straight to it.
    #[serde(default)]
    pub elastic_numbers: Vec<E164>,
    /// Where those trunks signal from.
    #[serde(default)]
    pub elastic_addresses: Vec<String>,
}

/// SIP transport towards the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SipTransport {
    /// TLS with SRTP.
    Tls,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Default for LiveKitConfig {
    fn default() -> Self {
        Self {
            url: Url::parse("ws://127.0.0.1:7880").expect("a literal URL parses"),
            api_key: String::new(),
            api_secret: Secret::default(),
            agent_name: "neurality".into(),
            sip_host: "sip.invalid".into(),
            sip_transport: SipTransport::Tls,
            sip_username: "neurality".into(),
            sip_password: Secret::default(),
            sip_ringing_timeout_secs: 40,
            elastic_numbers: Vec::new(),
            elastic_addresses: Vec::new(),
            room_empty_timeout_secs: 3600,
            room_departure_timeout_secs: 30,
            api_timeout_ms: 5000,
            projects: BTreeMap::new(),
        }
    }
}

impl LiveKitConfig {
    /// Every project with all its settings. `default` is not among them if it has no API key and others are named.
    #[must_use]
    pub fn all_projects(&self) -> BTreeMap<ProjectName, Self> {
        let mut all: BTreeMap<ProjectName, Self> = self
            .projects
            .iter()
            .map(|(name, project)| (name.clone(), self.with(project)))
            .collect();
        if all.is_empty() || !self.api_key.is_empty() {
            let own = Self {
                projects: BTreeMap::new(),
                ..self.clone()
            };
            all.insert(ProjectName::default(), own);
        }
        all
    }

    fn with(&self, project: &LiveKitProject) -> Self {
        let LiveKitProject {
            url,
            api_key,
            api_secret,
            sip_host,
            sip_transport,
            sip_username,
            sip_password,
            elastic_numbers,
            elastic_addresses,
        } = project.clone();
        Self {
            url,
            api_key,
            api_secret,
            sip_host,
            sip_transport: sip_transport.unwrap_or(self.sip_transport),
            sip_username: sip_username.unwrap_or_else(|| self.sip_username.clone()),
            sip_password: sip_password.unwrap_or_else(|| self.sip_password.clone()),
            elastic_numbers,
            elastic_addresses,
            projects: BTreeMap::new(),
            ..self.clone()
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.agent_name.is_empty() {
            return Err(ConfigError::invalid(
                "livekit.agent_name",
                "must not be empty: unnamed workers take every room",
            ));
        }
        if self.projects.contains_key(&ProjectName::default()) {
            return Err(ConfigError::invalid(
                "livekit.projects",
                "must not name `default`: that is the section `livekit` itself",
            ));
        }
        for (name, project) in &self.projects {
            if project.api_key.is_empty() {
                return Err(ConfigError::invalid(
                    "livekit.projects",
                    format!("`{name}` has no api_key"),
                ));
            }
        }
        let mut keys = BTreeSet::new();
        self.all_projects().values().try_for_each(|project| {
            if !keys.insert(project.api_key.clone()) {
                return Err(ConfigError::invalid(
                    "livekit.projects",
                    "must have an api_key each: a webhook names its project by it",
                ));
            }
            project.validate_keys()?;
            project.validate_trunks()
        })
    }

    /// A webhook that is signed with an empty secret is anybody's.
    fn validate_keys(&self) -> Result<(), ConfigError> {
        if !self.api_key.is_empty() && self.api_secret.expose().is_empty() {
            return Err(ConfigError::invalid(
                "livekit.api_secret",
                "must not be empty where there is an api_key",
            ));
        }
        Ok(())
    }

    fn validate_trunks(&self) -> Result<(), ConfigError> {
        if !self.elastic_numbers.is_empty() && self.elastic_addresses.is_empty() {
            return Err(ConfigError::invalid(
                "livekit.elastic_addresses",
                "must name the carrier's addresses: a trunk without credentials believes the caller's number of anybody",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use figment::{
        Figment,
        providers::{Format, Yaml},
    };

    use super::*;

    const TWO: &str = r#"
api_key: ours
api_secret: o
sip_username: agents
sip_transport: tcp
elastic_numbers: ["+12125550100"]
elastic_addresses: ["192.0.2.0/24"]
projects:
  maple-group: { url: "wss://maple.example", api_key: theirs, api_secret: s, sip_host: sip.maple.example, sip_password: p }
"#;

    fn parse(yaml: &str) -> Option<LiveKitConfig> {
        Figment::from(Yaml::string(yaml)).extract().ok()
    }

    fn names(config: &LiveKitConfig) -> Vec<String> {
        config
            .all_projects()
            .into_keys()
            .map(String::from)
            .collect()
    }

    #[test]
    fn a_project_takes_what_it_leaves_out_from_the_section() {
        let config = parse(TWO).expect("parses");
        config.validate().expect("valid");
        assert_eq!(names(&config), ["default", "maple-group"]);
        let all = config.all_projects();
        let maple = &all[&"maple-group".parse().expect("name")];
        assert_eq!(
            (maple.api_key.as_str(), maple.sip_host.as_str()),
            ("theirs", "sip.maple.example")
        );
        assert_eq!(
            (maple.sip_username.as_str(), maple.sip_transport),
            ("agents", SipTransport::Tcp)
        );
        assert_eq!(maple.sip_password.expose(), "p");
        assert!(
            maple.elastic_numbers.is_empty(),
            "a number is one project's"
        );
        assert_eq!(all[&ProjectName::default()].api_key, "ours");
    }

    #[test]
    fn a_key_needs_a_secret_and_is_one_projects() {
        for (wrong, key) in [
            (
                TWO.replace("api_secret: o", "api_secret: ''"),
                "livekit.api_secret",
            ),
            (
                TWO.replace("api_secret: s", "api_secret: ''"),
                "livekit.api_secret",
            ),
            (
                TWO.replace("api_key: theirs", "api_key: ours"),
                "livekit.projects",
            ),
        ] {
            let refused = parse(&wrong).expect("parses").validate();
            assert!(
                matches!(&refused, Err(ConfigError::Invalid { key: named, .. }) if *named == key),
                "{wrong}: {refused:?}"
            );
        }
    }

    #[test]
    fn the_section_alone_is_the_only_project_and_a_keyless_one_beside_others_is_none() {
        assert_eq!(names(&LiveKitConfig::default()), ["default"]);
        let keyless = parse(&TWO.replace("api_key: ours\n", "")).expect("parses");
        assert_eq!(names(&keyless), ["maple-group"]);
    }

    #[test]
    fn projects_are_named_plainly_and_have_keys() {
        assert!(parse(&TWO.replace("maple-group", "Maple")).is_none());
        for (from, to) in [("maple-group", "default"), ("theirs", "''")] {
            let config = parse(&TWO.replace(from, to)).expect("parses");
            let error = config.validate().expect_err(to);
            assert!(error.to_string().starts_with("livekit.projects"), "{error}");
        }
    }
}

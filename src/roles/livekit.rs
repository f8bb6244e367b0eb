//! `neurality livekit provision`: the one SIP trunk and the one dispatch rule of the webhook route.
//!
//! The trunk takes any number (the TwiML dials a room, not a number) but only with our digest credentials. The rule puts each call into the room that it dialled, as it was
//! dialled: no prefix, no random part, no agents of its own. Both are found by name; what others made is never touched.

use std::{collections::HashMap, fmt, time::Duration};

use anyhow::{Context, bail, ensure};
use livekit_api::services::{
    ServiceResult,
    sip::{
        CreateSIPDispatchRuleOptions, CreateSIPInboundTrunkOptions, ListSIPDispatchRuleFilter,
        ListSIPInboundTrunkFilter, SIPClient,
    },
};
use livekit_protocol::{
    SipDispatchRule, SipDispatchRuleCallee, SipDispatchRuleInfo, SipInboundTrunkInfo,
    SipMediaConfig, SipMediaEncryption, sip_dispatch_rule::Rule,
};

use crate::config::{LiveKitConfig, SipTransport};

/// Our trunk's name.
pub const TRUNK: &str = "neurality-inbound";
/// Our rule's name.
pub const RULE: &str = "neurality-callee";
/// Twilio's name of the call, for people who compare logs.
const HEADERS: [(&str, &str); 1] = [("X-Twilio-CallSid", "twilio.callSid")];

/// What was done to one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was missing.
    Created,
    /// It differed.
    Updated,
    /// It was right.
    Unchanged,
}

/// What `provision` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// To the trunk.
    pub trunk: Change,
    /// To the rule.
    pub rule: Change,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        })
    }
}

impl fmt::Display for Provisioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trunk {TRUNK} {}, rule {RULE} {}", self.trunk, self.rule)
    }
}

/// Makes the trunk and the rule, or brings them to what the configuration says. Running it again changes nothing.
///
/// # Errors
/// LiveKit does not answer, its SIP API is off (it needs Redis), or somebody else's trunk or rule would take our calls.
pub async fn provision(config: &LiveKitConfig) -> anyhow::Result<Provisioned> {
    ensure!(
        !config.sip_password.is_empty(),
        "livekit.sip_password: must be set, or anybody could dial into rooms"
    );
    let sip = Sip::new(config);
    let (trunk_id, trunk) = sip.provision_trunk(config).await?;
    let rule = sip.provision_rule(&trunk_id).await?;
    Ok(Provisioned { trunk, rule })
}

struct Sip {
    client: SIPClient,
    deadline: Duration,
}

impl Sip {
    fn new(config: &LiveKitConfig) -> Self {
        let deadline = Duration::from_millis(config.api_timeout_ms);
        let client = SIPClient::with_api_key(
            config.url.as_str(),
            &config.api_key,
            config.api_secret.expose(),
        );
        Self {
            client: client.with_request_timeout(deadline),
            deadline,
        }
    }

    async fn ask<T>(
        &self,
        what: &'static str,
        request: impl Future<Output = ServiceResult<T>>,
    ) -> anyhow::Result<T> {
        tokio::time::timeout(self.deadline, request)
            .await
            .context("livekit did not answer in time")
            .and_then(|r| Ok(r?))
            .context(what)
    }

    async fn provision_trunk(&self, config: &LiveKitConfig) -> anyhow::Result<(String, Change)> {
        let trunks = self
            .ask(
                "list SIP trunks",
                self.client
                    .list_sip_inbound_trunk(ListSIPInboundTrunkFilter::All),
            )
            .await?;
        if let Some(foreign) = trunks
            .iter()
            .find(|trunk| trunk.name != TRUNK && trunk.numbers.is_empty())
        {
            bail!(
                "SIP trunk {} ({}) takes any number too: LiveKit could not tell our calls from its",
                foreign.sip_trunk_id,
                foreign.name
            );
        }
        let wanted = wanted_trunk(config);
        match only(
            trunks.into_iter().filter(|trunk| trunk.name == TRUNK),
            "SIP trunk",
            TRUNK,
        )? {
            None => {
                let created = self.client.create_sip_inbound_trunk(
                    TRUNK.to_owned(),
                    Vec::new(),
                    trunk_options(config),
                );
                let id = self.ask("create SIP trunk", created).await?.sip_trunk_id;
                // The library's create call knows no media settings: the whole trunk is written once more.
                self.ask(
                    "update SIP trunk",
                    self.client
                        .update_sip_inbound_trunk_replace(id.clone(), wanted),
                )
                .await?;
                Ok((id, Change::Created))
            }
            Some(trunk) => {
                let id = trunk.sip_trunk_id.clone();
                if comparable_trunk(trunk) == wanted {
                    return Ok((id, Change::Unchanged));
                }
                self.ask(
                    "update SIP trunk",
                    self.client
                        .update_sip_inbound_trunk_replace(id.clone(), wanted),
                )
                .await?;
                Ok((id, Change::Updated))
            }
        }
    }

    async fn provision_rule(&self, trunk_id: &str) -> anyhow::Result<Change> {
        let rules = self
            .ask(
                "list SIP dispatch rules",
                self.client
                    .list_sip_dispatch_rule(ListSIPDispatchRuleFilter::All),
            )
            .await?;
        let takes_ours = |rule: &&SipDispatchRuleInfo| {
            rule.trunk_ids.is_empty() || rule.trunk_ids.iter().any(|id| id == trunk_id)
        };
        if let Some(foreign) = rules
            .iter()
            .filter(|rule| rule.name != RULE)
            .find(takes_ours)
        {
            bail!(
                "SIP dispatch rule {} ({}) applies to our trunk too",
                foreign.sip_dispatch_rule_id,
                foreign.name
            );
        }
        let wanted = wanted_rule(trunk_id);
        match only(
            rules.into_iter().filter(|rule| rule.name == RULE),
            "SIP dispatch rule",
            RULE,
        )? {
            None => {
                let created = self
                    .client
                    .create_sip_dispatch_rule(callee(), rule_options(trunk_id));
                self.ask("create SIP dispatch rule", created).await?;
                Ok(Change::Created)
            }
            Some(rule) => {
                let id = rule.sip_dispatch_rule_id.clone();
                if comparable_rule(rule) == wanted {
                    return Ok(Change::Unchanged);
                }
                self.ask(
                    "update SIP dispatch rule",
                    self.client.update_sip_dispatch_rule_replace(id, wanted),
                )
                .await?;
                Ok(Change::Updated)
            }
        }
    }
}

/// The one object of our name.
fn only<T>(
    mut found: impl Iterator<Item = T>,
    kind: &str,
    name: &str,
) -> anyhow::Result<Option<T>> {
    let first = found.next();
    ensure!(
        found.next().is_none(),
        "there are several objects of kind {kind} named {name}: delete all but one"
    );
    Ok(first)
}

fn trunk_options(config: &LiveKitConfig) -> CreateSIPInboundTrunkOptions {
    CreateSIPInboundTrunkOptions {
        auth_username: Some(config.sip_username.clone()),
        auth_password: Some(config.sip_password.expose().to_owned()),
        headers_to_attributes: Some(headers()),
        ringing_timeout: Some(Duration::from_secs(config.sip_ringing_timeout_secs)),
        ..CreateSIPInboundTrunkOptions::default()
    }
}

fn wanted_trunk(config: &LiveKitConfig) -> SipInboundTrunkInfo {
    let encryption = match config.sip_transport {
        SipTransport::Tls => SipMediaEncryption::SipMediaEncryptRequire,
        SipTransport::Tcp | SipTransport::Udp => SipMediaEncryption::SipMediaEncryptAllow,
    };
    SipInboundTrunkInfo {
        name: TRUNK.to_owned(),
        auth_username: config.sip_username.clone(),
        auth_password: config.sip_password.expose().to_owned(),
        headers_to_attributes: headers(),
        ringing_timeout: Some(Duration::from_secs(config.sip_ringing_timeout_secs).into()),
        media: Some(SipMediaConfig {
            encryption: Some(encryption as i32),
            ..SipMediaConfig::default()
        }),
        ..SipInboundTrunkInfo::default()
    }
}

fn wanted_rule(trunk_id: &str) -> SipDispatchRuleInfo {
    SipDispatchRuleInfo {
        name: RULE.to_owned(),
        trunk_ids: vec![trunk_id.to_owned()],
        rule: Some(SipDispatchRule {
            rule: Some(callee()),
        }),
        hide_phone_number: true,
        ..SipDispatchRuleInfo::default()
    }
}

fn rule_options(trunk_id: &str) -> CreateSIPDispatchRuleOptions {
    CreateSIPDispatchRuleOptions {
        name: RULE.to_owned(),
        trunk_ids: vec![trunk_id.to_owned()],
        hide_phone_number: true,
        ..CreateSIPDispatchRuleOptions::default()
    }
}

fn callee() -> Rule {
    Rule::DispatchRuleCallee(SipDispatchRuleCallee::default())
}

fn headers() -> HashMap<String, String> {
    HEADERS
        .into_iter()
        .map(|(header, attribute)| (header.to_owned(), attribute.to_owned()))
        .collect()
}

/// Without what the server fills in.
fn comparable_trunk(trunk: SipInboundTrunkInfo) -> SipInboundTrunkInfo {
    SipInboundTrunkInfo {
        sip_trunk_id: String::new(),
        created_at: None,
        updated_at: None,
        ..trunk
    }
}

fn comparable_rule(rule: SipDispatchRuleInfo) -> SipDispatchRuleInfo {
    SipDispatchRuleInfo {
        sip_dispatch_rule_id: String::new(),
        created_at: None,
        updated_at: None,
        media: rule
            .media
            .filter(|media| *media != SipMediaConfig::default()),
        ..rule
    }
}

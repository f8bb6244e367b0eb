//! The objects as they should be.

use std::{collections::HashMap, time::Duration};

use livekit_protocol::{
    SipDispatchRule, SipDispatchRuleCallee, SipDispatchRuleInfo, SipInboundTrunkInfo,
    SipMediaConfig, SipMediaEncryption, sip_dispatch_rule::Rule,
};

use crate::{
    config::{LiveKitConfig, SipTransport},
    domain::ids::RoomName,
    gateway::trunk,
};

/// Our trunk's name on the webhook route.
pub const TRUNK: &str = "neurality-inbound";
/// Our rule's name on the webhook route.
pub const RULE: &str = "neurality-callee";
/// Our trunk's name for elastic trunks.
pub const ELASTIC_TRUNK: &str = "neurality-elastic";
/// Our rule's name for elastic trunks.
pub const ELASTIC_RULE: &str = "neurality-elastic";

/// Twilio's name of the call, for people who compare logs.
const CALL_SID: (&str, &str) = ("X-Twilio-CallSid", "twilio.callSid");

/// A trunk and the rule for its calls.
pub(super) struct Wanted {
    pub(super) trunk: SipInboundTrunkInfo,
    pub(super) rule_name: &'static str,
    pub(super) rule: Rule,
}

impl Wanted {
    /// The rule, once its trunk is there. Numbers are hidden: the webhook knows them, and elsewhere they would name rooms and participants.
    pub(super) fn rule_of(&self, trunk_id: &str) -> SipDispatchRuleInfo {
        SipDispatchRuleInfo {
            name: self.rule_name.to_owned(),
            trunk_ids: vec![trunk_id.to_owned()],
            rule: Some(SipDispatchRule {
                rule: Some(self.rule.clone()),
            }),
            hide_phone_number: true,
            ..SipDispatchRuleInfo::default()
        }
    }
}

/// For the calls that our webhook sends.
pub(super) fn webhook(config: &LiveKitConfig) -> Wanted {
    Wanted {
        trunk: SipInboundTrunkInfo {
            name: TRUNK.to_owned(),
            auth_username: config.sip_username.clone(),
            auth_password: config.sip_password.expose().to_owned(),
            headers_to_attributes: attributes(&[CALL_SID]),
            ..common(config)
        },
        rule_name: RULE,
        rule: Rule::DispatchRuleCallee(SipDispatchRuleCallee::default()),
    }
}

/// For the calls that elastic trunks bring; `None` if there are none.
pub(super) fn elastic(config: &LiveKitConfig) -> Option<Wanted> {
    let numbers = config.elastic_numbers.iter().map(|n| n.as_str().to_owned());
    let [to, from] = trunk::HEADERS;
    let wanted = Wanted {
        trunk: SipInboundTrunkInfo {
            name: ELASTIC_TRUNK.to_owned(),
            numbers: numbers.collect(),
            allowed_addresses: config.elastic_addresses.clone(),
            headers_to_attributes: attributes(&[CALL_SID, to, from]),
            ..common(config)
        },
        rule_name: ELASTIC_RULE,
        // By the clinic's number: a room that is named after the caller would bring theirs to logs and stores.
        rule: Rule::DispatchRuleCallee(SipDispatchRuleCallee {
            room_prefix: RoomName::TRUNK_PREFIX.to_owned(),
            randomize: true,
            ..SipDispatchRuleCallee::default()
        }),
    };
    (!wanted.trunk.numbers.is_empty()).then_some(wanted)
}

fn common(config: &LiveKitConfig) -> SipInboundTrunkInfo {
    let encryption = match config.sip_transport {
        SipTransport::Tls => SipMediaEncryption::SipMediaEncryptRequire,
        SipTransport::Tcp | SipTransport::Udp => SipMediaEncryption::SipMediaEncryptAllow,
    };
    SipInboundTrunkInfo {
        ringing_timeout: Some(Duration::from_secs(config.sip_ringing_timeout_secs).into()),
        media: Some(SipMediaConfig {
            encryption: Some(encryption as i32),
            ..SipMediaConfig::default()
        }),
        ..SipInboundTrunkInfo::default()
    }
}

fn attributes(headers: &[(&str, &str)]) -> HashMap<String, String> {
    headers
        .iter()
        .map(|(header, attribute)| ((*header).to_owned(), (*attribute).to_owned()))
        .collect()
}

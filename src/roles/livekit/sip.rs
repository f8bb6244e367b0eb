//! Brings LiveKit's SIP objects to what is wanted.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use livekit_api::services::{
    ServiceResult,
    sip::{
        CreateSIPDispatchRuleOptions, CreateSIPInboundTrunkOptions, ListSIPDispatchRuleFilter,
        ListSIPInboundTrunkFilter, SIPClient,
    },
};
use livekit_protocol::{SipDispatchRuleInfo, SipInboundTrunkInfo, SipMediaConfig};

use super::{
    Change, Changes,
    wanted::{ELASTIC_RULE, ELASTIC_TRUNK, RULE, TRUNK, Wanted},
};
use crate::config::LiveKitConfig;

pub(super) struct Sip {
    client: SIPClient,
    deadline: Duration,
}

impl Sip {
    pub(super) fn new(config: &LiveKitConfig) -> Self {
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

    /// Makes or corrects a trunk and its rule.
    pub(super) async fn provision(&self, wanted: Wanted) -> anyhow::Result<Changes> {
        let (trunk_id, trunk) = self.provision_trunk(wanted.trunk.clone()).await?;
        let rule = self
            .provision_rule(wanted.rule_of(&trunk_id), &trunk_id)
            .await?;
        Ok(Changes { trunk, rule })
    }

    /// Removes a trunk and its rule, if they are there.
    pub(super) async fn remove(&self, trunk: &str, rule: &str) -> anyhow::Result<Changes> {
        let rules = self.rules().await?;
        let rule = match only(rules, |info| info.name == rule, "SIP dispatch rule", rule)? {
            None => Change::Absent,
            Some(info) => {
                let id = info.sip_dispatch_rule_id;
                let deleted = self.client.delete_sip_dispatch_rule(&id);
                self.ask("delete SIP dispatch rule", deleted).await?;
                Change::Removed
            }
        };
        let trunks = self.trunks().await?;
        let trunk = match only(trunks, |info| info.name == trunk, "SIP trunk", trunk)? {
            None => Change::Absent,
            Some(info) => {
                let deleted = self.client.delete_sip_trunk(&info.sip_trunk_id);
                self.ask("delete SIP trunk", deleted).await?;
                Change::Removed
            }
        };
        Ok(Changes { trunk, rule })
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

    async fn trunks(&self) -> anyhow::Result<Vec<SipInboundTrunkInfo>> {
        let all = ListSIPInboundTrunkFilter::All;
        self.ask("list SIP trunks", self.client.list_sip_inbound_trunk(all))
            .await
    }

    async fn rules(&self) -> anyhow::Result<Vec<SipDispatchRuleInfo>> {
        let all = ListSIPDispatchRuleFilter::All;
        let listed = self.client.list_sip_dispatch_rule(all);
        self.ask("list SIP dispatch rules", listed).await
    }

    async fn provision_trunk(
        &self,
        wanted: SipInboundTrunkInfo,
    ) -> anyhow::Result<(String, Change)> {
        let trunks = self.trunks().await?;
        refuse_rivals(&trunks, &wanted)?;
        let name = wanted.name.clone();
        match only(trunks, |trunk| trunk.name == name, "SIP trunk", &name)? {
            None => {
                let created = self.client.create_sip_inbound_trunk(
                    name,
                    wanted.numbers.clone(),
                    trunk_options(&wanted),
                );
                let id = self.ask("create SIP trunk", created).await?.sip_trunk_id;
                // The library's create call knows no media settings: the whole trunk is written once more.
                self.replace_trunk(&id, wanted).await?;
                Ok((id, Change::Created))
            }
            Some(trunk) => {
                let id = trunk.sip_trunk_id.clone();
                if comparable_trunk(trunk) == wanted {
                    return Ok((id, Change::Unchanged));
                }
                self.replace_trunk(&id, wanted).await?;
                Ok((id, Change::Updated))
            }
        }
    }

    async fn replace_trunk(&self, id: &str, wanted: SipInboundTrunkInfo) -> anyhow::Result<()> {
        let replaced = self
            .client
            .update_sip_inbound_trunk_replace(id.to_owned(), wanted);
        self.ask("update SIP trunk", replaced).await.map(drop)
    }

    async fn provision_rule(
        &self,
        wanted: SipDispatchRuleInfo,
        trunk_id: &str,
    ) -> anyhow::Result<Change> {
        let rules = self.rules().await?;
        let takes_ours = |rule: &&SipDispatchRuleInfo| {
            rule.trunk_ids.is_empty() || rule.trunk_ids.iter().any(|id| id == trunk_id)
        };
        if let Some(foreign) = rules
            .iter()
            .filter(|rule| ![RULE, ELASTIC_RULE].contains(&rule.name.as_str()))
            .find(takes_ours)
        {
            bail!(
                "SIP dispatch rule {} ({}) applies to our trunk too",
                foreign.sip_dispatch_rule_id,
                foreign.name
            );
        }
        let name = wanted.name.clone();
        match only(rules, |rule| rule.name == name, "SIP dispatch rule", &name)? {
            None => {
                let kind = wanted.rule.clone().and_then(|rule| rule.rule);
                let kind = kind.context("a rule without a kind")?;
                let created = self
                    .client
                    .create_sip_dispatch_rule(kind, rule_options(wanted));
                self.ask("create SIP dispatch rule", created).await?;
                Ok(Change::Created)
            }
            Some(rule) => {
                let id = rule.sip_dispatch_rule_id.clone();
                if comparable_rule(rule) == wanted {
                    return Ok(Change::Unchanged);
                }
                let replaced = self.client.update_sip_dispatch_rule_replace(id, wanted);
                self.ask("update SIP dispatch rule", replaced).await?;
                Ok(Change::Updated)
            }
        }
    }
}

/// Somebody else's trunk that takes any number takes those of our own such trunk, too. (That two trunks share a number LiveKit itself refuses.)
fn refuse_rivals(
    trunks: &[SipInboundTrunkInfo],
    wanted: &SipInboundTrunkInfo,
) -> anyhow::Result<()> {
    if !wanted.numbers.is_empty() {
        return Ok(());
    }
    let is_foreign =
        |trunk: &&SipInboundTrunkInfo| ![TRUNK, ELASTIC_TRUNK].contains(&trunk.name.as_str());
    match trunks
        .iter()
        .filter(is_foreign)
        .find(|trunk| trunk.numbers.is_empty())
    {
        Some(foreign) => bail!(
            "SIP trunk {} ({}) takes any number too: LiveKit could not tell our calls from its",
            foreign.sip_trunk_id,
            foreign.name
        ),
        None => Ok(()),
    }
}

/// The one object of our name.
fn only<T>(
    all: Vec<T>,
    is_ours: impl Fn(&T) -> bool,
    kind: &str,
    name: &str,
) -> anyhow::Result<Option<T>> {
    let mut found = all.into_iter().filter(is_ours);
    let first = found.next();
    ensure!(
        found.next().is_none(),
        "there are several objects of kind {kind} named {name}: delete all but one"
    );
    Ok(first)
}

fn trunk_options(wanted: &SipInboundTrunkInfo) -> CreateSIPInboundTrunkOptions {
    CreateSIPInboundTrunkOptions {
        auth_username: Some(wanted.auth_username.clone()),
        auth_password: Some(wanted.auth_password.clone()),
        allowed_addresses: Some(wanted.allowed_addresses.clone()),
        headers_to_attributes: Some(wanted.headers_to_attributes.clone()),
        ..CreateSIPInboundTrunkOptions::default()
    }
}

fn rule_options(wanted: SipDispatchRuleInfo) -> CreateSIPDispatchRuleOptions {
    CreateSIPDispatchRuleOptions {
        name: wanted.name,
        trunk_ids: wanted.trunk_ids,
        hide_phone_number: wanted.hide_phone_number,
        ..CreateSIPDispatchRuleOptions::default()
    }
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

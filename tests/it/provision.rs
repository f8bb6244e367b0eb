//! `neurality livekit provision` against a real LiveKit with its SIP API.

use livekit_api::services::sip::{
    CreateSIPDispatchRuleOptions, CreateSIPInboundTrunkOptions, ListSIPDispatchRuleFilter,
    ListSIPInboundTrunkFilter, SIPClient,
};
use livekit_protocol::{
    SipDispatchRuleDirect, SipDispatchRuleInfo, SipInboundTrunkInfo, SipMediaEncryption,
    sip_dispatch_rule::Rule,
};
use loadtest::stack::{LiveKit, LiveKitOptions, Redis, StackDir};
use neurality::{
    config::{LiveKitConfig, Secret},
    roles::livekit::{
        Change, Changes, ELASTIC_RULE, ELASTIC_TRUNK, Provisioned, RULE, TRUNK, provision,
    },
};

struct Rig {
    config: LiveKitConfig,
    sip: SIPClient,
    _livekit: LiveKit,
    _redis: Redis,
    _dir: StackDir,
}

impl Rig {
    fn new(name: &str) -> Self {
        let dir = StackDir::for_this_process(name).expect("dir");
        let redis = Redis::start(&dir).expect("redis");
        let options = LiveKitOptions {
            redis: Some(redis.address()),
            ..LiveKitOptions::default()
        };
        let livekit = LiveKit::start(&dir, options).expect("livekit");
        let config = LiveKitConfig {
            url: livekit.ws_url().parse().expect("url"),
            api_key: livekit.api_key().to_owned(),
            api_secret: Secret::new(livekit.api_secret()),
            sip_password: Secret::new("correct horse"),
            ..LiveKitConfig::default()
        };
        let sip =
            SIPClient::with_api_key(&livekit.http_url(), livekit.api_key(), livekit.api_secret());
        Self {
            config,
            sip,
            _livekit: livekit,
            _redis: redis,
            _dir: dir,
        }
    }

    async fn trunks(&self) -> Vec<SipInboundTrunkInfo> {
        self.sip
            .list_sip_inbound_trunk(ListSIPInboundTrunkFilter::All)
            .await
            .expect("trunks")
    }

    async fn rules(&self) -> Vec<SipDispatchRuleInfo> {
        self.sip
            .list_sip_dispatch_rule(ListSIPDispatchRuleFilter::All)
            .await
            .expect("rules")
    }
}

const fn webhook_only(trunk: Change, rule: Change) -> Provisioned {
    Provisioned {
        webhook: Changes { trunk, rule },
        elastic: Changes {
            trunk: Change::Absent,
            rule: Change::Absent,
        },
    }
}

#[tokio::test]
async fn it_makes_one_wildcard_trunk_and_one_callee_rule_and_running_it_again_changes_nothing() {
    let mut rig = Rig::new("provision");
    let done = provision(&rig.config).await.expect("provision");
    assert_eq!(done, webhook_only(Change::Created, Change::Created));
    let (trunks, rules) = (rig.trunks().await, rig.rules().await);
    let ([trunk], [rule]) = (trunks.as_slice(), rules.as_slice()) else {
        panic!("{trunks:?} {rules:?}")
    };
    assert_eq!(
        (
            trunk.name.as_str(),
            trunk.numbers.len(),
            trunk.allowed_addresses.len()
        ),
        (TRUNK, 0, 0)
    );
    assert_eq!(trunk.auth_username, "neurality");
    assert_eq!(trunk.ringing_timeout.as_ref().map(|t| t.seconds), Some(40));
    assert_eq!(
        trunk.headers_to_attributes["X-Twilio-CallSid"],
        "twilio.callSid"
    );
    let encryption = trunk.media.as_ref().and_then(|media| media.encryption);
    assert_eq!(
        encryption,
        Some(SipMediaEncryption::SipMediaEncryptRequire as i32)
    );
    assert_eq!(
        (
            rule.name.as_str(),
            rule.hide_phone_number,
            rule.room_config.is_none()
        ),
        (RULE, true, true)
    );
    assert_eq!(rule.trunk_ids, std::slice::from_ref(&trunk.sip_trunk_id));
    let Some(Rule::DispatchRuleCallee(callee)) = rule.rule.clone().and_then(|rule| rule.rule)
    else {
        panic!("{rule:?}")
    };
    assert_eq!(
        (
            callee.room_prefix.as_str(),
            callee.pin.as_str(),
            callee.randomize
        ),
        ("", "", false)
    );

    let again = provision(&rig.config).await.expect("provision");
    assert_eq!(again, webhook_only(Change::Unchanged, Change::Unchanged));
    rig.config.sip_password = Secret::new("battery staple");
    let changed = provision(&rig.config).await.expect("provision");
    assert_eq!(changed, webhook_only(Change::Updated, Change::Unchanged));
    let trunks = rig.trunks().await;
    assert_eq!(
        (trunks.len(), trunks[0].auth_password.as_str()),
        (1, "battery staple")
    );
    assert_eq!(
        trunks[0].sip_trunk_id, rule.trunk_ids[0],
        "the trunk keeps its id"
    );
}

#[tokio::test]
async fn elastic_numbers_get_a_trunk_and_a_room_for_each_call_and_lose_them_again() {
    let mut rig = Rig::new("provision-elastic");
    rig.config.elastic_numbers = vec!["+12125550100".parse().expect("number")];
    rig.config.elastic_addresses = vec!["54.172.60.0/30".into()];
    let both = |change| Changes {
        trunk: change,
        rule: change,
    };
    let done = provision(&rig.config).await.expect("provision");
    assert_eq!(
        (done.webhook, done.elastic),
        (both(Change::Created), both(Change::Created))
    );
    let (trunks, rules) = (rig.trunks().await, rig.rules().await);
    assert_eq!((trunks.len(), rules.len()), (2, 2));
    let trunk = trunks.iter().find(|trunk| trunk.name == ELASTIC_TRUNK);
    let trunk = trunk.expect("the elastic trunk");
    assert_eq!(trunk.numbers, ["+12125550100"]);
    assert_eq!(trunk.allowed_addresses, ["54.172.60.0/30"]);
    assert_eq!(trunk.auth_username, "", "carriers send no credentials");
    assert_eq!(trunk.headers_to_attributes["To"], "neurality.sipTo");
    assert_eq!(trunk.headers_to_attributes["From"], "neurality.sipFrom");
    let rule = rules.iter().find(|rule| rule.name == ELASTIC_RULE);
    let rule = rule.expect("the elastic rule");
    assert_eq!(rule.trunk_ids, std::slice::from_ref(&trunk.sip_trunk_id));
    assert!(rule.hide_phone_number && rule.room_config.is_none());
    let Some(Rule::DispatchRuleCallee(callee)) = rule.rule.clone().and_then(|rule| rule.rule)
    else {
        panic!("{rule:?}")
    };
    assert_eq!(
        (callee.room_prefix.as_str(), callee.randomize),
        ("neurality-trunk", true)
    );

    let again = provision(&rig.config).await.expect("provision");
    assert_eq!(
        (again.webhook, again.elastic),
        (both(Change::Unchanged), both(Change::Unchanged))
    );
    let second = "+12125550101".parse().expect("number");
    rig.config.elastic_numbers.push(second);
    let changed = provision(&rig.config).await.expect("provision");
    assert_eq!(
        (changed.elastic.trunk, changed.elastic.rule),
        (Change::Updated, Change::Unchanged)
    );
    rig.config.elastic_numbers.clear();
    let removed = provision(&rig.config).await.expect("provision");
    assert_eq!(removed.elastic, both(Change::Removed));
    assert_eq!((rig.trunks().await.len(), rig.rules().await.len()), (1, 1));
}

#[tokio::test]
async fn what_others_made_is_not_touched() {
    let rig = Rig::new("provision-foreign");
    let numbered = CreateSIPInboundTrunkOptions::default();
    rig.sip
        .create_sip_inbound_trunk("theirs".into(), vec!["+15550199".into()], numbered)
        .await
        .expect("trunk");
    provision(&rig.config)
        .await
        .expect("a trunk with numbers does not take our calls");
    let before = rig.rules().await;
    let direct = Rule::DispatchRuleDirect(SipDispatchRuleDirect {
        room_name: "x".into(),
        pin: "1".into(),
    });
    let options = CreateSIPDispatchRuleOptions {
        name: "theirs".into(),
        ..CreateSIPDispatchRuleOptions::default()
    };
    rig.sip
        .create_sip_dispatch_rule(direct, options)
        .await
        .expect("rule");
    let error = provision(&rig.config)
        .await
        .expect_err("a rule for all trunks takes ours");
    assert!(
        error
            .to_string()
            .contains("(theirs) applies to our trunk too"),
        "{error:#}"
    );
    assert_eq!(
        (rig.trunks().await.len(), rig.rules().await.len()),
        (2, before.len() + 1)
    );
}

#[tokio::test]
async fn a_foreign_wildcard_trunk_or_a_missing_password_is_refused() {
    let mut rig = Rig::new("provision-wildcard");
    let options = CreateSIPInboundTrunkOptions {
        auth_username: Some("u".into()),
        auth_password: Some("p".into()),
        ..CreateSIPInboundTrunkOptions::default()
    };
    rig.sip
        .create_sip_inbound_trunk("theirs".into(), Vec::new(), options)
        .await
        .expect("trunk");
    let error = provision(&rig.config)
        .await
        .expect_err("two wildcard trunks");
    assert!(
        error.to_string().contains("(theirs) takes any number too"),
        "{error:#}"
    );
    assert_eq!(rig.trunks().await.len(), 1);
    rig.config.sip_password = Secret::default();
    let error = provision(&rig.config).await.expect_err("no password");
    assert!(
        error.to_string().starts_with("livekit.sip_password"),
        "{error:#}"
    );
}

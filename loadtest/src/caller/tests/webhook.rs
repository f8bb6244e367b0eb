//! A gateway that is just good enough: checks signatures, sends every call to its own room, notes what Twilio posts.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    routing::post,
};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use super::agent::{self, Manners};
use crate::{
    caller::{LiveKitAccess, Target, twilio::sign},
    stack::LiveKit,
};

const TOKEN: &str = "secret";

/// What came in.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) voices: u32,
    pub(super) statuses: Vec<String>,
    pub(super) action: Option<String>,
    pub(super) keys: String,
    pub(super) attributes: Option<HashMap<String, String>>,
    rooms: HashMap<String, String>,
}

#[derive(Clone)]
pub(super) struct Webhook {
    base: String,
    access: LiveKitAccess,
    manners: Manners,
    seen: Arc<Mutex<Seen>>,
}

pub(super) fn access(livekit: &LiveKit) -> LiveKitAccess {
    LiveKitAccess {
        url: livekit.ws_url(),
        api_key: livekit.api_key().to_owned(),
        api_secret: livekit.api_secret().to_owned(),
        sip_host: Some("sip.test".to_owned()),
    }
}

impl Webhook {
    pub(super) async fn serve(livekit: &LiveKit, manners: Manners) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("bound"));
        let webhook = Self {
            base,
            access: access(livekit),
            manners,
            seen: Arc::default(),
        };
        let router = Router::new()
            .route("/voice", post(voice))
            .route("/status", post(status))
            .route("/done", post(done))
            .route("/person", post(person))
            .with_state(webhook.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        webhook
    }

    pub(super) fn target(&self) -> Target {
        let voice_url = Url::parse(&format!("{}/voice", self.base)).expect("a URL");
        Target {
            voice_url,
            auth_token: TOKEN.to_owned(),
            livekit: self.access.clone(),
        }
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().clone()
    }

    fn form(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        body: &str,
    ) -> Result<HashMap<String, String>, StatusCode> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        let expected = sign(TOKEN, &format!("{}{}", self.base, uri), &pairs);
        let signature = headers
            .get("x-twilio-signature")
            .and_then(|value| value.to_str().ok());
        if signature != Some(&expected) {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(pairs.into_iter().collect())
    }
}

async fn voice(
    State(hook): State<Webhook>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Result<String, StatusCode> {
    let form = hook.form(&uri, &headers, &body)?;
    let mut seen = hook.seen.lock();
    seen.voices += 1;
    let known = seen.rooms.len();
    let fresh = || format!("call-{:032x}", rand::random::<u128>());
    let room = seen
        .rooms
        .entry(form["CallSid"].clone())
        .or_insert_with(fresh)
        .clone();
    if seen.rooms.len() > known {
        tokio::spawn(agent::serve(
            hook.access.clone(),
            room.clone(),
            hook.manners,
            hook.seen.clone(),
        ));
    }
    Ok(format!(
        r#"<Response><Dial answerOnBridge="true" timeout="2" action="/done?room={room}"><Sip username="u" password="p"
        statusCallback="/status" statusCallbackMethod="POST" statusCallbackEvent="initiated ringing answered completed"
        >sip:{room}@sip.test;transport=tls;secure=true</Sip></Dial></Response>"#
    ))
}

async fn status(
    State(hook): State<Webhook>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Result<(), StatusCode> {
    let form = hook.form(&uri, &headers, &body)?;
    hook.seen.lock().statuses.push(form["CallStatus"].clone());
    Ok(())
}

async fn done(
    State(hook): State<Webhook>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Result<&'static str, StatusCode> {
    let form = hook.form(&uri, &headers, &body)?;
    let line = ["DialCallStatus", "DialSipResponseCode", "CallStatus"]
        .map(|key| form[key].as_str())
        .join(" ");
    hook.seen.lock().action = Some(line);
    Ok(r#"<Response><Dial action="/person"><Number>+12125550191</Number></Dial></Response>"#)
}

async fn person(
    State(hook): State<Webhook>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Result<&'static str, StatusCode> {
    hook.form(&uri, &headers, &body)?;
    Ok("<Response><Hangup/></Response>")
}

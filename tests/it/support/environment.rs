//! What a world's processes are told.

use std::net::SocketAddr;

use loadtest::{
    sim::SimHandle,
    stack::{Database, LiveKit, LiveKitOptions, StackDir, workspace_root},
};

/// Signs Twilio's webhooks.
pub(super) const AUTH_TOKEN: &str = "twilio-token-of-the-tests";

/// A LiveKit that posts webhooks to the gateway.
pub(super) fn livekit_of(dir: &StackDir, number: u32, gateway: SocketAddr) -> LiveKit {
    let options = LiveKitOptions {
        name: format!("livekit-{number}"),
        webhook_urls: vec![format!("http://{gateway}/livekit/webhook")],
        ..LiveKitOptions::default()
    };
    LiveKit::start(dir, options).expect("livekit")
}

/// The variables of both processes.
pub(super) fn env_of(
    number: u32,
    livekit: &LiveKit,
    sim: &SimHandle,
    database: &Database,
    redis_url: &str,
    gateway: SocketAddr,
    worker: SocketAddr,
) -> Vec<(String, String)> {
    let tools = workspace_root().join("target/tools");
    let pairs = [
        ("GATEWAY__LISTEN", gateway.to_string()),
        ("GATEWAY__PUBLIC_URL", format!("http://{gateway}")),
        ("TWILIO__AUTH_TOKENS", format!("[\"{AUTH_TOKEN}\"]")),
        ("LIVEKIT__URL", livekit.ws_url()),
        ("LIVEKIT__API_KEY", livekit.api_key().into()),
        ("LIVEKIT__API_SECRET", livekit.api_secret().into()),
        (
            "LIVEKIT__AGENT_NAME",
            format!("world-{}-{number}", std::process::id()),
        ),
        ("LIVEKIT__SIP_HOST", "sip.test".into()),
        // Limits that a whole call does not test, and a busy machine exceeds.
        ("GATEWAY__VOICE_DEADLINE_MS", "1000".into()),
        ("REDIS__TIMEOUT_MS", "3000".into()),
        ("POSTGRES__ACQUIRE_TIMEOUT_MS", "5000".into()),
        ("LIVEKIT__SIP_PASSWORD", "sip-password".into()),
        ("REDIS__URLS", format!("[\"{redis_url}\"]")),
        ("POSTGRES__URL", database.app_url().into()),
        ("POSTGRES__OWNER_URL", database.owner_url().into()),
        ("WORKER__LISTEN", worker.to_string()),
        ("WORKER__MAX_CALLS", "20".into()),
        // All of them, however busy the machine is with other tests.
        ("WORKER__MIN_CALLS", "20".into()),
        (
            "PROVIDERS__ONNXRUNTIME",
            tools.join("onnx/libonnxruntime.so").display().to_string(),
        ),
        (
            "PROVIDERS__SILERO_MODEL",
            tools.join("models/silero_vad.onnx").display().to_string(),
        ),
        (
            "PROVIDERS__DEEPGRAM__BASE_URL",
            format!("ws://{}", sim.deepgram_addr()),
        ),
        (
            "PROVIDERS__DEEPGRAM__API_KEY",
            sim.config().stt.api_keys[0].clone(),
        ),
        (
            "PROVIDERS__OPENAI__BASE_URL",
            format!("http://{}/v1/", sim.openai_addr()),
        ),
        (
            "PROVIDERS__OPENAI__API_KEY",
            sim.config().llm.api_keys[0].clone(),
        ),
        (
            "PROVIDERS__AZURE__BASE_URL",
            format!("http://{}", sim.openai_addr()),
        ),
        (
            "PROVIDERS__AZURE__API_KEY",
            sim.config().llm.azure_api_keys[0].clone(),
        ),
    ];
    pairs
        .into_iter()
        .map(|(key, value)| (format!("NEURALITY__{key}"), value))
        .collect()
}

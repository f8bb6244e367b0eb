//! The product's configuration: real addresses and keys of this stack, and the simulators where the vendors would be.

use std::{io::Write, net::SocketAddr, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::Context;
use serde_json::{Value, json};

use super::target::TargetFile;
use crate::stack::{Database, onnxruntime_library, silero_model};

/// What the processes of one product have in common. Where each of them listens is in its environment.
pub(super) struct Common<'a> {
    pub(super) public_url: &'a str,
    pub(super) target: &'a TargetFile,
    pub(super) redis_urls: Vec<String>,
    pub(super) is_cluster: bool,
    pub(super) database: &'a Database,
    pub(super) key_file: &'a Path,
    pub(super) deepgram: SocketAddr,
    pub(super) openai: SocketAddr,
}

/// The file's text; `settings` win over what the stack says.
pub(super) fn configuration(common: &Common<'_>, settings: &Value) -> anyhow::Result<String> {
    let target = common.target;
    let mut config = json!({
        "gateway": { "public_url": common.public_url },
        "twilio": { "auth_tokens": [target.auth_token] },
        "livekit": {
            "url": target.livekit_url,
            "api_key": target.livekit_api_key,
            "api_secret": target.livekit_api_secret,
            "sip_host": target.sip_host,
            "sip_password": format!("{:032x}", rand::random::<u128>()),
        },
        "redis": { "urls": common.redis_urls, "cluster": common.is_cluster },
        "postgres": { "url": common.database.app_url(), "owner_url": common.database.owner_url() },
        "security": { "key_file": common.key_file },
        "providers": {
            "deepgram": { "base_url": format!("ws://{}", common.deepgram), "api_key": "sim-deepgram-key" },
            "openai": { "base_url": format!("http://{}/v1/", common.openai), "api_key": "sim-openai-key" },
            "onnxruntime": onnxruntime_library()?,
            "silero_model": silero_model()?,
        },
        "telemetry": { "log": "info,livekit=warn" },
    });
    merge(&mut config, settings);
    Ok(serde_yaml_ng::to_string(&config)?)
}

fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => base.clone_from(over),
    }
}

/// Keys of a local stack are still not for other users of the machine.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let open = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path);
    open.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_laid_over_section_by_section() {
        let mut base = json!({"a": {"x": 1, "y": 2}, "b": 3});
        merge(&mut base, &json!({"a": {"y": 5}, "c": {"z": 1}}));
        assert_eq!(base, json!({"a": {"x": 1, "y": 5}, "b": 3, "c": {"z": 1}}));
    }
}

//! Prints a call while it happens: the caller's side from the caller, the agent's from what its synthesiser is asked to say.

use std::{collections::HashSet, time::Duration};

use serde_json::Value;
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::caller::CallEvent;

/// How often the simulators are asked.
const POLL: Duration = Duration::from_millis(150);

/// Prints until it is stopped.
pub(super) struct Watching {
    stop: CancellationToken,
    tasks: [JoinHandle<()>; 2],
}

impl Watching {
    /// # Errors
    /// The HTTP client could not be made.
    pub(super) fn start(
        simulators: String,
        events: mpsc::Receiver<CallEvent>,
    ) -> anyhow::Result<Self> {
        let stop = CancellationToken::new();
        let begun = Instant::now();
        let http = crate::caller::http_client()?;
        let told = tokio::spawn(tell(events, begun));
        let heard = tokio::spawn(overhear(http, simulators, begun, stop.clone()));
        Ok(Self {
            stop,
            tasks: [told, heard],
        })
    }

    pub(super) async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::warn!(%error, "the live transcript broke off");
            }
        }
    }
}

async fn tell(mut events: mpsc::Receiver<CallEvent>, begun: Instant) {
    while let Some(event) = events.recv().await {
        let (who, what) = match event {
            CallEvent::Ringing => ("phone", "rings".to_owned()),
            CallEvent::Answered => ("phone", "the agent answers".to_owned()),
            CallEvent::Says(text) => ("caller", text),
            CallEvent::Interrupts(text) => ("caller", format!("(interrupts) {text}")),
            CallEvent::AgentSpeaks => continue,
            CallEvent::TwilioSays(text) => ("twilio", text),
            CallEvent::Dials(number) => ("twilio", format!("dials {number}")),
            CallEvent::HangsUp => ("caller", "(hangs up)".to_owned()),
            CallEvent::Over => ("phone", "the call is over".to_owned()),
        };
        line(begun, who, &what);
    }
}

async fn overhear(http: reqwest::Client, url: String, begun: Instant, stop: CancellationToken) {
    let mut shown = HashSet::new();
    while stop
        .run_until_cancelled(tokio::time::sleep(POLL))
        .await
        .is_some()
    {
        let Ok(answer) = http.get(&url).send().await else {
            continue;
        };
        let Ok(state) = answer.json::<Value>().await else {
            continue;
        };
        for said in state["said"].as_array().into_iter().flatten() {
            let text = said["text"].as_str().unwrap_or_default();
            let who = if said["service"] == "tts" {
                "agent"
            } else {
                "model"
            };
            let is_new = shown.insert((said["at_unix_ms"].as_u64(), text.to_owned(), who));
            // What the model says is heard as the agent's words; its tool calls are not.
            if is_new && (who == "agent" || text.contains('{')) {
                line(begun, who, text);
            }
        }
    }
}

fn line(begun: Instant, who: &str, what: &str) {
    println!("{:7.2} s  {who:<7} {what}", begun.elapsed().as_secs_f64());
}

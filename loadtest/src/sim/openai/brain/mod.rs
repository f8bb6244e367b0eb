//! A receptionist that knows only what the request holds: the messages, the tools that are offered, and what tool
//! messages said. It has a policy instead of a model, but no memory and no script: change a tool's result and its next
//! sentence changes.

mod dates;
mod facts;
mod lines;
mod policy;
mod results;
#[cfg(test)]
mod tests;
mod view;
mod words;

use rand::{Rng, distr::Alphanumeric, rngs::StdRng};
use serde_json::{Map, Value};

use self::view::View;
use super::{
    answer::{Answer, Call, ascii_json},
    request::{ChatRequest, Role},
};

/// What to say and which tools to call.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reply {
    say: Option<String>,
    calls: Vec<(&'static str, Map<String, Value>)>,
}

impl Reply {
    fn say(text: impl Into<String>) -> Self {
        Self {
            say: Some(text.into()),
            calls: Vec::new(),
        }
    }

    fn call(name: &'static str, arguments: Map<String, Value>) -> Self {
        Self {
            say: None,
            calls: vec![(name, arguments)],
        }
    }

    fn saying(self, text: impl Into<String>) -> Self {
        Self {
            say: Some(text.into()),
            ..self
        }
    }
}

/// The answer to a request.
pub(super) fn answer(request: &ChatRequest, rng: &mut StdRng) -> Answer {
    let view = View::new(request);
    let last = request
        .messages
        .iter()
        .rev()
        .find(|m| !matches!(m.role, Role::System | Role::Developer));
    let reply = match last.map(|m| m.role) {
        Some(Role::Tool) => results::reply(&view),
        Some(Role::User) => policy::reply(&view),
        // Asked to go on where nobody has spoken since: a receptionist says her last line again.
        Some(Role::Assistant) if !view.last_line().is_empty() => Reply::say(view.last_line()),
        _ => Reply::say(lines::HOW_CAN_I_HELP),
    };
    let mut calls = usable(&view, reply.calls);
    if request.parallel_tool_calls == Some(false) {
        calls.truncate(1);
    }
    let calls: Vec<Call> = calls
        .into_iter()
        .map(|(name, arguments)| Call {
            id: call_id(rng),
            name: name.to_owned(),
            arguments: ascii_json(&Value::Object(arguments)),
        })
        .collect();
    // A tool that is not offered cannot be called: say something rather than nothing.
    let content = reply
        .say
        .or_else(|| calls.is_empty().then(|| lines::CANNOT.to_owned()));
    Answer {
        content,
        calls,
        cut_short: false,
    }
}

/// Only tools that the request offers, only properties that their schemas know.
fn usable(
    view: &View<'_>,
    calls: Vec<(&'static str, Map<String, Value>)>,
) -> Vec<(&'static str, Map<String, Value>)> {
    let offered = calls.into_iter().filter(|(name, _)| view.has_tool(name));
    offered
        .map(|(name, arguments)| {
            let known = arguments
                .into_iter()
                .filter(|(key, _)| view.tool_takes(name, key));
            (name, known.collect())
        })
        .collect()
}

fn call_id(rng: &mut StdRng) -> String {
    let tail: String = (0..24)
        .map(|_| char::from(rng.sample(Alphanumeric)))
        .collect();
    format!("call_{tail}")
}

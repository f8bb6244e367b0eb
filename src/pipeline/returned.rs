//! A conversation that goes on after a person did not take the caller.

use super::{context::Entry, snapshot::Restored};
use crate::{
    domain::{call::TransferResult, phi::Phi},
    tools::hand_over,
};

impl Restored {
    /// Corrects what the tool had said of the transfer: the model must not believe that the caller is with a person, and the trace says what became of it.
    /// A conversation that was saved since the return has been corrected already: nothing changes.
    #[must_use]
    pub fn came_back(mut self, result: TransferResult) -> Self {
        let agreed = self
            .traces
            .iter_mut()
            .rev()
            .find(|trace| hand_over::agreed(trace));
        let Some(trace) = agreed else { return self };
        self.returned = true;
        hand_over::declined_after_all(trace, result);
        let (id, answer) = (
            trace.request.id.clone(),
            trace.outcome.content.expose().to_string(),
        );
        let agents = self.entries.iter_mut().filter_map(|entry| match entry {
            Entry::Agent(agent) => Some(agent),
            Entry::Caller(_) => None,
        });
        let mut slots = agents.flat_map(|agent| &mut agent.calls);
        if let Some(slot) = slots.find(|slot| slot.request.id == id) {
            slot.content = Some(Phi::new(answer));
        }
        self
    }

    /// Whether the caller is back from a person and has not been told yet that nobody took the call.
    #[must_use]
    pub fn is_back(&self) -> bool {
        self.returned
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{
            call_time::CallTime,
            conversation::{ToolCallId, ToolRequest},
        },
        pipeline::context::{AgentEntry, CallSlot},
        tools::outcome::{ToolOutcome, ToolStatus, ToolTrace},
    };

    #[test]
    fn the_model_learns_that_nobody_took_the_caller() {
        let request = ToolRequest {
            id: ToolCallId("c7".into()),
            name: "transfer_to_human".into(),
            arguments: Phi::new(r#"{"reason":"asked"}"#.to_owned()),
        };
        let content = json!({ "status": "transferring" });
        let trace = ToolTrace {
            request: request.clone(),
            outcome: ToolOutcome {
                id: request.id.clone(),
                content: Phi::new(content.clone()),
                status: ToolStatus::Done,
                effect: None,
                took: Duration::ZERO,
            },
            started: CallTime::ZERO,
            turn: 0,
        };
        let slot = CallSlot {
            request,
            run: None,
            content: Some(Phi::new(content.to_string())),
        };
        let agent = AgentEntry {
            text: Phi::default(),
            calls: vec![slot],
        };
        let restored = Restored {
            entries: vec![Entry::Agent(agent)],
            traces: vec![trace],
            ..Restored::default()
        };
        let restored = restored.came_back(TransferResult::Declined);
        assert!(restored.returned);
        let trace = &restored.traces[0];
        assert_eq!(trace.outcome.status, ToolStatus::Declined);
        assert_eq!(trace.outcome.content.expose()["status"], "declined");
        let Entry::Agent(agent) = &restored.entries[0] else {
            panic!("{restored:?}")
        };
        let answer = agent.calls[0].content.as_ref().expect("an answer");
        let answer: Value = serde_json::from_str(answer.expose()).expect("JSON");
        assert_eq!(&answer, trace.outcome.content.expose());
    }
}

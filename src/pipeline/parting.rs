//! A conversation whose last words have been said: whoever takes it over ends it, and says nothing more.

use super::{
    lines,
    snapshot::Restored,
    turn::{EndReason, Line},
};
use crate::{
    domain::{
        conversation::{Speaker, Utterance},
        tenant::TenantProfile,
    },
    tools::hand_over,
};

/// The lines of our own after which a call ends, and why it does.
const LAST_LINES: [(Line, EndReason); 3] = [
    (Line::AwayGoodbye, EndReason::CallerAway),
    (Line::TimeUp, EndReason::TooLong),
    (Line::HandOver, EndReason::Failed),
];

impl Restored {
    /// Why the conversation was ending, if the caller has heard its last words to their end.
    #[must_use]
    pub fn parting(&self, profile: &TenantProfile) -> Option<EndReason> {
        let last = self.utterances.last()?;
        if last.speaker != Speaker::Agent || last.interrupted {
            return None;
        }
        self.ended_by_tool()
            .or_else(|| ended_by_line(last, profile))
    }

    /// The tool that ends the call ran in answer to the caller's last turn: what the agent said last belongs to it.
    fn ended_by_tool(&self) -> Option<EndReason> {
        let last_turn = self.turns.saturating_sub(1);
        let mut traces = self.traces.iter().rev();
        let effect = traces.find_map(|trace| {
            (trace.turn == last_turn)
                .then(|| hand_over::effect(trace))
                .flatten()
        })?;
        Some(lines::reason(effect))
    }
}

fn ended_by_line(last: &Utterance, profile: &TenantProfile) -> Option<EndReason> {
    let said: Vec<&str> = last.text.expose().split_whitespace().collect();
    let found = LAST_LINES.into_iter().find(|(line, _)| {
        let text = lines::text(*line, &profile.greeting);
        said == text.split_whitespace().collect::<Vec<_>>()
    });
    found.map(|(_, why)| why)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use serde_json::{Value, json};

    use super::*;
    use crate::{
        domain::{
            call_time::CallTime,
            conversation::{ToolCallId, ToolRequest},
            ids::TenantId,
            phi::Phi,
        },
        tools::outcome::{ToolOutcome, ToolStatus, ToolTrace},
    };

    fn clinic() -> TenantProfile {
        TenantProfile {
            id: TenantId::generate(),
            name: String::new(),
            time_zone: chrono_tz::UTC,
            greeting: String::new(),
            instructions: String::new(),
            voice: None,
            fallback_number: None,
            transfer: None,
            region: None,
            livekit_project: None,
            max_concurrent_calls: 1,
            max_calls_per_minute: 1,
            procedures: BTreeMap::new(),
            keyterms: Vec::new(),
        }
    }

    fn said(speaker: Speaker, text: &str, interrupted: bool) -> Utterance {
        Utterance {
            index: 0,
            speaker,
            text: Phi::new(text.to_owned()),
            started: CallTime::ZERO,
            ended: CallTime::from_millis(900),
            interrupted,
            words: Vec::new(),
        }
    }

    fn ran(tool: &str, content: Value, turn: u32) -> ToolTrace {
        let id = ToolCallId("c1".into());
        ToolTrace {
            request: ToolRequest {
                id: id.clone(),
                name: tool.into(),
                arguments: Phi::new(r#"{"reason":"done"}"#.to_owned()),
            },
            outcome: ToolOutcome {
                id,
                content: Phi::new(content),
                status: ToolStatus::Done,
                effect: None,
                took: Duration::ZERO,
            },
            started: CallTime::ZERO,
            turn,
        }
    }

    fn after(traces: Vec<ToolTrace>, last: Utterance) -> Restored {
        let asked = said(Speaker::Caller, "that is all", false);
        Restored {
            turns: 2,
            utterances: vec![asked, last],
            traces,
            ..Restored::default()
        }
    }

    fn goodbye() -> Utterance {
        said(Speaker::Agent, "Thank you for calling. Goodbye.", false)
    }

    #[test]
    fn after_its_goodbye_a_conversation_ends_as_it_was_about_to() {
        let cases = [
            ("end_call", json!({"status": "ending"}), EndReason::Goodbye),
            (
                "transfer_to_human",
                json!({"status": "transferring"}),
                EndReason::Transfer,
            ),
            (
                "transfer_to_human",
                json!({"status": "transferred"}),
                EndReason::Transfer,
            ),
        ];
        for (tool, content, why) in cases {
            let restored = after(vec![ran(tool, content, 1)], goodbye());
            assert_eq!(restored.parting(&clinic()), Some(why), "{tool}");
        }
        let lines = [
            (Line::AwayGoodbye, EndReason::CallerAway),
            (Line::HandOver, EndReason::Failed),
            (Line::TimeUp, EndReason::TooLong),
        ];
        for (line, why) in lines {
            let text = lines::text(line, &clinic().greeting);
            let restored = after(Vec::new(), said(Speaker::Agent, &text, false));
            assert_eq!(restored.parting(&clinic()), Some(why), "{text}");
        }
    }

    #[test]
    fn who_was_not_told_to_the_end_or_went_on_is_spoken_to() {
        let ended = || ran("end_call", json!({"status": "ending"}), 1);
        let is_open = |restored: &Restored| restored.parting(&clinic()).is_none();
        let cut = said(Speaker::Agent, "Thank you for", true);
        assert!(is_open(&after(vec![ended()], cut)), "it was cut off");
        let word = said(Speaker::Caller, "wait", false);
        assert!(is_open(&after(vec![ended()], word)), "the caller went on");
        let earlier = ran("end_call", json!({"status": "ending"}), 0);
        assert!(
            is_open(&after(vec![earlier], goodbye())),
            "that was a turn ago, and the conversation went on"
        );
        let refused = ran("transfer_to_human", json!({"status": "closed"}), 1);
        assert!(is_open(&after(vec![refused], goodbye())), "nobody is there");
        assert!(is_open(&after(Vec::new(), goodbye())));
        assert!(is_open(&Restored::default()));
    }
}

//! Follows the TwiML of one call from the first webhook to the end.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{sync::mpsc, task::JoinHandle, time::sleep};

use super::{
    CallError, LiveKitAccess,
    actor::Lines,
    leg::{Leg, LegEnd, LegReport},
    line::Line,
    measure, person,
    report::{CallEnd, CallEvent, CallReport, wall_clock},
    script::{Route, Scenario, Step},
    twilio::{CallStatus, TwilioLeg},
    twiml::{Dial, DialTarget, Sip, Verb},
    understand::Understanding,
};

/// Documents in one call before it counts as endless.
const MOST_DOCUMENTS: usize = 10;
/// A leg has four events.
const PROGRESS_CAPACITY: usize = 8;

pub(super) struct Follow<'a> {
    pub(super) access: &'a LiveKitAccess,
    pub(super) scenario: &'a Scenario,
    pub(super) lines: &'a Lines,
    pub(super) ears: Option<&'a Understanding>,
    pub(super) line: Arc<Line>,
    pub(super) twilio: Arc<TwilioLeg>,
}

/// What came of the TwiML so far.
#[derive(Default)]
struct Done {
    leg: Option<LegReport>,
    earlier: Vec<LegReport>,
    briefing: Vec<String>,
    /// Whether the last leg was a person's.
    is_with_person: bool,
    action: Option<String>,
    texts: Vec<String>,
    dialled: Option<String>,
}

impl Follow<'_> {
    pub(super) async fn run(&self) -> Result<CallReport, CallError> {
        match self.scenario.route {
            Route::Webhook => self.by_webhook().await,
            Route::Trunk => self.by_trunk().await,
        }
    }

    /// Nobody is asked: the leg is in its room, and when it ends the call is over.
    async fn by_trunk(&self) -> Result<CallReport, CallError> {
        let started_at = wall_clock(self.line.origin.elapsed());
        // Twilio's status callbacks belong to the other route.
        let (progress, _) = mpsc::channel(PROGRESS_CAPACITY);
        let (call_id, leg) = self
            .leg_of(progress, &self.scenario.steps)
            .by_trunk()
            .await?;
        let done = Done {
            leg: Some(leg),
            ..Done::default()
        };
        let mut report = self.report(started_at, 0, done);
        report.call_sid = call_id;
        Ok(report)
    }

    fn leg_of<'a>(&'a self, progress: mpsc::Sender<&'static str>, steps: &'a [Step]) -> Leg<'a> {
        Leg {
            access: self.access,
            scenario: self.scenario,
            steps,
            lines: self.lines,
            ears: self.ears,
            line: self.line.clone(),
            progress,
        }
    }

    async fn by_webhook(&self) -> Result<CallReport, CallError> {
        let started_at = wall_clock(self.line.origin.elapsed());
        let verbs = self
            .twilio
            .incoming()
            .await
            .map_err(|source| CallError::Webhook {
                what: "POST /voice",
                source,
            })?;
        let voice_ms = self.line.origin.elapsed().as_millis() as u64;
        let mut done = Done::default();
        let mut verbs = VecDeque::from(verbs);
        let mut documents = 1;
        while let Some(verb) = verbs.pop_front() {
            let next = match verb {
                Verb::Hangup => break,
                Verb::Pause(seconds) => {
                    sleep(Duration::from_secs(seconds)).await;
                    None
                }
                Verb::Say(text) => {
                    self.line.tell(CallEvent::TwilioSays(text.clone()));
                    done.texts.push(text);
                    None
                }
                Verb::Dial(dial) => self.dial(&dial, &mut done).await?,
                // Callers are asked for no keys.
                Verb::Gather(_) => None,
            };
            // What follows a <Dial> with an action is never reached.
            if let Some(next) = next {
                documents += 1;
                verbs = next.into();
            }
            if documents > MOST_DOCUMENTS {
                return Err(CallError::Endless(MOST_DOCUMENTS));
            }
        }
        Ok(self.report(started_at, voice_ms, done))
    }

    /// Dials; gives what the action URL answers.
    async fn dial(&self, dial: &Dial, done: &mut Done) -> Result<Option<Vec<Verb>>, CallError> {
        let outcome = match &dial.target {
            Some(DialTarget::Sip(sip)) => {
                let steps = match &done.leg {
                    None => &self.scenario.steps,
                    Some(_) => &self.scenario.back,
                };
                let limit = dial.timeout.map(Duration::from_secs);
                let leg = self.leg(sip, limit, steps).await?;
                let outcome = leg.outcome();
                done.is_with_person = false;
                done.earlier.extend(done.leg.replace(leg));
                done.action.clone_from(&dial.action);
                outcome
            }
            Some(DialTarget::Number(number)) => {
                self.line.tell(CallEvent::Dials(number.number.clone()));
                done.dialled = Some(number.number.clone());
                done.is_with_person = true;
                person::call(
                    self.scenario.person,
                    number,
                    &self.twilio,
                    &mut done.briefing,
                )
                .await
                .map_err(|source| CallError::Webhook {
                    what: "POST for a person's leg",
                    source,
                })?
            }
            None => return Ok(None),
        };
        let Some(action) = &dial.action else {
            return Ok(None);
        };
        let hung_up = done
            .leg
            .as_ref()
            .is_some_and(|leg| leg.end == LegEnd::Caller);
        let status = if hung_up {
            CallStatus::Completed
        } else {
            CallStatus::InProgress
        };
        let answer = self.twilio.dial_done(action, &outcome, status).await;
        let verbs = answer.map_err(|source| CallError::Webhook {
            what: "POST to the action URL",
            source,
        })?;
        // A caller who is gone hears nothing of it.
        Ok(Some(if hung_up { Vec::new() } else { verbs }))
    }

    async fn leg(
        &self,
        sip: &Sip,
        ring_limit: Option<Duration>,
        steps: &[Step],
    ) -> Result<LegReport, CallError> {
        let (progress, events) = mpsc::channel(PROGRESS_CAPACITY);
        let callbacks = self.callbacks(sip, events);
        let leg = self.leg_of(progress, steps);
        let report = leg.dial(sip, ring_limit).await;
        drop(leg);
        if let Err(error) = callbacks.await {
            tracing::error!(%error, "the status callbacks' task failed");
        }
        Ok(report?)
    }

    /// Posts the leg's progress in order, beside the call.
    fn callbacks(&self, sip: &Sip, mut events: mpsc::Receiver<&'static str>) -> JoinHandle<()> {
        let twilio = self.twilio.clone();
        let (url, wanted) = (sip.status_callback.clone(), sip.status_events.clone());
        tokio::spawn(async move {
            let mut number = 0;
            while let Some(status) = events.recv().await {
                let event = event_of(status);
                let Some(url) = url
                    .as_ref()
                    .filter(|_| wanted.iter().any(|name| name == event))
                else {
                    continue;
                };
                if let Err(error) = twilio.status(url, status, number).await {
                    tracing::warn!(%error, status, "a status callback failed");
                }
                number += 1;
            }
        })
    }

    fn report(
        &self,
        started_at: chrono::DateTime<chrono::Utc>,
        voice_ms: u64,
        done: Done,
    ) -> CallReport {
        let log = std::mem::take(&mut *self.line.log.lock());
        let turns = measure::turns(&log.recording, &log.spoken, &log.buffer);
        let legs = done.earlier.iter().chain(&done.leg);
        let failures = legs.filter_map(|leg| leg.script.clone()).collect();
        let end = match &done.leg {
            Some(LegReport {
                end: LegEnd::Caller,
                ..
            }) => CallEnd::CallerHungUp,
            _ if done.is_with_person => CallEnd::PersonDialled,
            Some(LegReport { up_ms: Some(_), .. }) => CallEnd::AgentHungUp,
            _ => CallEnd::TurnedAway,
        };
        let mut report = CallReport {
            scenario: self.scenario.name.clone(),
            call_sid: self.twilio.call_sid.clone(),
            started_at,
            voice_ms,
            leg: done.leg,
            earlier: done.earlier,
            briefing: done.briefing,
            action: done.action,
            texts: done.texts,
            dialled: done.dialled,
            end,
            spoken: log.spoken,
            repeats: log.repeats,
            turns,
            failures,
            recording: log.recording,
        };
        report.check(&self.scenario.expect);
        report
    }
}

/// The name under which TwiML asks for a status.
fn event_of(status: &str) -> &'static str {
    match status {
        "initiated" => "initiated",
        "ringing" => "ringing",
        "in-progress" => "answered",
        _ => "completed",
    }
}

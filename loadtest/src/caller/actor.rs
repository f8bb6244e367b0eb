//! Plays the steps of a scenario on a line that is up.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    line::{AgentVoice, Line},
    measure::Spoken,
    mouth::Mouth,
    phone::Keys,
    recording::samples,
    report::{CallEvent, Repeat},
    script::{Scenario, Step},
    understand::Understanding,
};

/// Between two keys.
const KEY_GAP: Duration = Duration::from_millis(150);

/// The caller's lines as sound, ready for the track.
pub(super) type Lines = HashMap<String, Arc<Vec<i16>>>;

/// A script that did not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScriptError {
    #[error("step {0}: the agent said nothing for {1:?}")]
    Silent(usize, Duration),
    #[error("step {0}: the line is dead")]
    Dead(usize),
}

/// The caller as a person: knows the script, hears the agent.
pub(super) struct Actor<'a> {
    pub(super) scenario: &'a Scenario,
    steps: &'a [Step],
    pub(super) lines: &'a Lines,
    ears: Option<&'a Understanding>,
    pub(super) mouth: Mouth,
    pub(super) keys: Keys,
    pub(super) line: Arc<Line>,
    agent: watch::Receiver<AgentVoice>,
    /// The caller's own last word, or the answer: what the agent says after it is new.
    spoke: Instant,
    last_line: Option<String>,
}

impl<'a> Actor<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        steps: &'a [Step],
        lines: &'a Lines,
        ears: Option<&'a Understanding>,
        mouth: Mouth,
        keys: Keys,
        line: Arc<Line>,
    ) -> Self {
        let agent = line.agent();
        Self {
            scenario,
            steps,
            lines,
            ears,
            mouth,
            keys,
            line,
            agent,
            spoke: Instant::now(),
            last_line: None,
        }
    }

    /// Plays all steps; then the caller hangs up.
    pub(super) async fn play(mut self) -> Result<(), ScriptError> {
        for (number, step) in self.steps.iter().enumerate() {
            self.line.log.lock().step = number;
            match step {
                Step::Say(text) => {
                    self.turn_for(number, text).await?;
                    self.say(number, text, false).await?;
                }
                Step::Interrupt { after_ms, say } => {
                    self.agent_speaks_for(number, Duration::from_millis(*after_ms))
                        .await?;
                    self.say(number, say, true).await?;
                }
                Step::Blurt(text) => self.say(number, text, false).await?,
                Step::PauseMs(ms) => sleep(Duration::from_millis(*ms)).await,
                Step::HearMs(ms) => {
                    self.agent_speaks_for(number, Duration::from_millis(*ms))
                        .await?
                }
                Step::Dtmf(digits) => self.press(number, digits).await?,
                Step::WaitAgentEnd => {
                    self.agent_ends(number).await?;
                    self.spoke = Instant::now();
                }
                Step::WaitHangUp => self.hang_up_comes(number).await?,
                Step::HangUp => return Ok(()),
            }
        }
        Ok(())
    }

    /// The agent's turn is over, and what it said calls for `line`: whatever else it asked has been answered.
    async fn turn_for(&mut self, number: usize, line: &str) -> Result<(), ScriptError> {
        loop {
            let ended = self.agent_ends(number).await;
            let Some(repeat) = self.out_of_turn(&ended, line) else {
                return ended;
            };
            self.repeat(number, repeat).await?;
        }
    }

    /// The other side hangs up; until then its questions are answered. The leg's end ends this, too.
    async fn hang_up_comes(&mut self, number: usize) -> Result<(), ScriptError> {
        if self.ears.is_none() {
            return std::future::pending().await;
        }
        loop {
            let ended = self.agent_ends(number).await;
            match self.out_of_turn(&ended, "") {
                Some(repeat) => self.repeat(number, repeat).await?,
                None => ended?,
            }
            self.spoke = Instant::now();
        }
    }

    /// What the caller says though the script has `line`: the agent asked for something else, or stays silent.
    fn out_of_turn(&self, ended: &Result<(), ScriptError>, line: &str) -> Option<Repeat> {
        let ears = self.ears?;
        if self.line.log.lock().repeats.len() >= self.scenario.most_repeats {
            return None;
        }
        let last_line = || self.last_line.clone();
        match ended {
            Ok(()) => {
                let reply = self
                    .scenario
                    .replies
                    .get(ears.last_question(&self.heard()?)?)?;
                let text = reply.say.clone().or_else(last_line)?;
                let heard = Some(reply.hears.clone());
                (text != line).then_some(Repeat { text, heard })
            }
            Err(ScriptError::Silent(..)) => Some(Repeat {
                text: last_line()?,
                heard: None,
            }),
            Err(ScriptError::Dead(_)) => None,
        }
    }

    /// All that the caller heard since their own last word.
    fn heard(&self) -> Option<Vec<i16>> {
        let log = self.line.log.lock();
        let heard = log
            .recording
            .heard
            .get(samples(self.line.at(self.spoke))..)?;
        Some(heard.to_vec())
    }

    async fn repeat(&mut self, number: usize, repeat: Repeat) -> Result<(), ScriptError> {
        let text = repeat.text.clone();
        self.line.log.lock().repeats.push(repeat);
        self.say(number, &text, false).await
    }

    async fn say(
        &mut self,
        number: usize,
        text: &str,
        interrupts: bool,
    ) -> Result<(), ScriptError> {
        let words = text.to_owned();
        self.line.tell(if interrupts {
            CallEvent::Interrupts(words)
        } else {
            CallEvent::Says(words)
        });
        let samples = self.lines.get(text).cloned().unwrap_or_default();
        let (from, to) = self
            .mouth
            .say(samples)
            .await
            .ok_or(ScriptError::Dead(number))?;
        self.spoke = to;
        self.last_line = Some(text.to_owned());
        let (from, to) = (self.line.at(from), self.line.at(to));
        self.line.log.lock().spoken.push(Spoken {
            text: text.to_owned(),
            from,
            to,
            interrupts,
        });
        Ok(())
    }

    async fn press(&self, number: usize, digits: &str) -> Result<(), ScriptError> {
        for digit in digits.chars() {
            if let Err(error) = self.keys.press(digit).await {
                tracing::warn!(%error, "key not pressed");
                return Err(ScriptError::Dead(number));
            }
            sleep(KEY_GAP).await;
        }
        Ok(())
    }

    /// The agent said something since the caller's last word, and is silent now.
    async fn agent_ends(&mut self, number: usize) -> Result<(), ScriptError> {
        loop {
            let voice = *self.agent.borrow_and_update();
            let last = voice.last.filter(|last| *last > self.spoke);
            let due = match (last, voice.since) {
                (Some(last), None) => last + self.scenario.agent_silence(),
                (_, Some(_)) => Instant::now() + self.scenario.patience(),
                (None, None) => self.spoke + self.scenario.patience(),
            };
            if Instant::now() >= due {
                return if last.is_some() {
                    Ok(())
                } else {
                    Err(self.silent(number))
                };
            }
            // Either way there is news: a change, or the end of the wait.
            if let Ok(Err(_)) = timeout_at(due, self.agent.changed()).await {
                return Err(ScriptError::Dead(number));
            }
        }
    }

    /// The agent has been speaking for so long, without a pause, since the caller's last word.
    async fn agent_speaks_for(
        &mut self,
        number: usize,
        length: Duration,
    ) -> Result<(), ScriptError> {
        let give_up = Instant::now() + self.scenario.patience();
        loop {
            let since = self
                .agent
                .borrow_and_update()
                .since
                .filter(|since| *since > self.spoke);
            let Some(since) = since else {
                match timeout_at(give_up, self.agent.changed()).await {
                    Err(_) => return Err(self.silent(number)),
                    Ok(Err(_)) => return Err(ScriptError::Dead(number)),
                    Ok(Ok(())) => continue,
                }
            };
            tokio::select! {
                () = sleep_until(since + length) => return Ok(()),
                changed = self.agent.changed() => changed.map_err(|_| ScriptError::Dead(number))?,
            }
        }
    }

    fn silent(&self, number: usize) -> ScriptError {
        ScriptError::Silent(number, self.scenario.patience())
    }
}

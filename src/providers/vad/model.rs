//! The Silero model: sound and state in, probability and state out.

use std::path::Path;

use ort::{
    environment::Environment,
    session::{Session, builder::GraphOptimizationLevel},
    value::{Tensor, TensorRef},
};
use parking_lot::Mutex;

use super::{VadError, WINDOW_SAMPLES};
use crate::media::frame::SAMPLE_RATE;

/// Samples of the window before that the model wants in front of a window.
const CONTEXT: usize = 64;
const INPUT: usize = CONTEXT + WINDOW_SAMPLES;
/// Values in each of the two parts of the recurrent state.
const HIDDEN: usize = 128;

/// What the model remembers of one call: 1.3 KB.
pub(super) struct Recurrent {
    state: [[f32; HIDDEN]; 2],
    context: [f32; CONTEXT],
}

impl Default for Recurrent {
    fn default() -> Self {
        Self {
            state: [[0.0; HIDDEN]; 2],
            context: [0.0; CONTEXT],
        }
    }
}

/// One call's part of a batch.
pub(super) struct Lane<'a> {
    pub(super) memory: &'a mut Recurrent,
    pub(super) window: &'a [i16; WINDOW_SAMPLES],
}

/// One session; not shared between threads.
pub(super) struct Silero {
    session: Session,
    rate: Tensor<i64>,
    /// `[N, INPUT]`, used again.
    input: Vec<f32>,
    /// `[2, N, HIDDEN]`, used again.
    state: Vec<f32>,
}

/// ONNX Runtime allows one environment per process, even after the first is gone; so it is kept.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

fn environment(library: &Path) -> Result<Environment, VadError> {
    let mut kept = ENVIRONMENT.lock();
    if let Some(environment) = &*kept {
        return Ok(environment.clone());
    }
    let environment = ort::init_from(library)
        .map_err(VadError::Library)?
        .with_name("neurality")
        .with_telemetry(false)
        .build()
        .map_err(VadError::Model)?;
    Ok(kept.insert(environment).clone())
}

impl Silero {
    /// Loads the model; the library only the first time in a process.
    pub(super) fn load(library: &Path, model: &Path) -> Result<Self, VadError> {
        let environment = environment(library)?;
        let load = || -> ort::Result<Self> {
            let session = Session::builder(&environment)?
                .with_optimization_level(GraphOptimizationLevel::Level3)?
                .with_intra_threads(1)?
                .with_inter_threads(1)?
                // The recurrent state decays into subnormal numbers in silence; those cost many times a normal one.
                .with_flush_to_zero()?
                .commit_from_file(model)?;
            Ok(Self {
                session,
                rate: Tensor::from_array(((), vec![i64::from(SAMPLE_RATE)]))?,
                input: Vec::new(),
                state: Vec::new(),
            })
        };
        load().map_err(VadError::Model)
    }

    /// Scores one window of each lane; `scores` holds a probability per lane afterwards.
    pub(super) fn score(
        &mut self,
        lanes: &mut [Lane<'_>],
        scores: &mut Vec<f32>,
    ) -> ort::Result<()> {
        let n = lanes.len();
        self.gather(lanes);
        let outputs = self.session.run(ort::inputs! {
            "input" => TensorRef::from_array_view(([n, INPUT], self.input.as_slice()))?,
            "state" => TensorRef::from_array_view(([2, n, HIDDEN], self.state.as_slice()))?,
            "sr" => &self.rate,
        })?;
        let (_, probabilities) = outputs["output"].try_extract_tensor::<f32>()?;
        let (_, state) = outputs["stateN"].try_extract_tensor::<f32>()?;
        if probabilities.len() != n || state.len() != 2 * n * HIDDEN {
            return Err(ort::Error::new("the model's outputs have another shape"));
        }
        for (lane, memory) in lanes.iter_mut().enumerate() {
            for (part, values) in memory.memory.state.iter_mut().enumerate() {
                let at = (part * n + lane) * HIDDEN;
                values.copy_from_slice(&state[at..at + HIDDEN]);
            }
        }
        scores.clear();
        scores.extend_from_slice(probabilities);
        Ok(())
    }

    /// Lays the lanes out as the model wants them and remembers each window's end.
    fn gather(&mut self, lanes: &mut [Lane<'_>]) {
        self.input.clear();
        self.state.clear();
        for part in 0..2 {
            for lane in lanes.iter() {
                self.state.extend_from_slice(&lane.memory.state[part]);
            }
        }
        for lane in lanes {
            self.input.extend_from_slice(&lane.memory.context);
            let scaled = lane.window.iter().map(|s| f32::from(*s) / 32768.0);
            self.input.extend(scaled);
            let end = self.input.len() - CONTEXT;
            lane.memory.context.copy_from_slice(&self.input[end..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng, rngs::StdRng};

    use super::*;
    use crate::config::ProvidersConfig;

    /// A second of something with pitch and noise, different for each call.
    fn sound(call: usize) -> Vec<[i16; WINDOW_SAMPLES]> {
        let mut rng = StdRng::seed_from_u64(call as u64);
        let pitch = 0.04 + call as f64 * 0.01;
        let sample = |n: usize, noise: f64| {
            let tone = (n as f64 * pitch).sin() + (n as f64 * pitch * 2.0).sin();
            ((tone + noise) * 5000.0) as i16
        };
        (0..30)
            .map(|w| std::array::from_fn(|n| sample(w * WINDOW_SAMPLES + n, rng.random())))
            .collect()
    }

    #[test]
    fn a_batch_scores_as_each_of_its_lanes_alone() {
        let config = ProvidersConfig::default();
        let mut model =
            Silero::load(&config.onnxruntime, &config.silero_model).expect("make setup");
        let sounds: Vec<_> = (0..7).map(sound).collect();
        let mut scores = Vec::new();
        let mut alone = vec![Vec::new(); sounds.len()];
        for (sound, alone) in sounds.iter().zip(&mut alone) {
            let mut memory = Recurrent::default();
            for window in sound {
                let memory = &mut memory;
                model
                    .score(&mut [Lane { memory, window }], &mut scores)
                    .expect("runs");
                alone.push(scores[0]);
            }
        }
        let mut memories: Vec<_> = sounds.iter().map(|_| Recurrent::default()).collect();
        for step in 0..30 {
            let lanes = memories.iter_mut().zip(&sounds);
            let mut lanes: Vec<_> = lanes
                .map(|(memory, sound)| Lane {
                    memory,
                    window: &sound[step],
                })
                .collect();
            model.score(&mut lanes, &mut scores).expect("runs");
            for (call, score) in scores.iter().enumerate() {
                let difference = (score - alone[call][step]).abs();
                assert!(difference < 1e-4, "call {call} step {step}: {difference}");
            }
        }
    }
}

//! Synthesis by the `flite` program, one subprocess per new sentence, cached in memory and on disk.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::{process::Command, sync::Semaphore};

use super::{Pcm, SpeechError, wav};

/// Longest time one sentence may take on a loaded machine.
const DEADLINE: Duration = Duration::from_secs(30);
/// Subprocesses at once.
const PARALLEL: usize = 2;
/// Samples kept in memory (64 MiB); the disk keeps the rest.
const MEMORY_SAMPLES: usize = 32 * 1024 * 1024;

/// A voice that comes with Debian's package; all give 16 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// A man; the patients.
    Rms,
    /// A woman; the agent.
    Slt,
    /// A Scottish man; someone else.
    Awb,
}

impl Voice {
    fn name(self) -> &'static str {
        match self {
            Self::Rms => "rms",
            Self::Slt => "slt",
            Self::Awb => "awb",
        }
    }
}

/// The synthesiser with its caches. Share it in an [`Arc`].
#[derive(Debug)]
pub struct Flite {
    cache_dir: PathBuf,
    memory: Mutex<Memory>,
    permits: Semaphore,
}

#[derive(Debug, Default)]
struct Memory {
    sentences: HashMap<(Voice, String), Arc<Pcm>>,
    samples: usize,
}

impl Flite {
    /// Opens the cache, creating its directory.
    ///
    /// # Errors
    /// [`SpeechError::File`] if the directory cannot be made.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Result<Self, SpeechError> {
        let cache_dir = cache_dir.into();
        std::fs::create_dir_all(&cache_dir).map_err(SpeechError::file(&cache_dir))?;
        Ok(Self {
            cache_dir,
            memory: Mutex::default(),
            permits: Semaphore::new(PARALLEL),
        })
    }

    /// Speaks a text at 16 kHz; a text without a letter or digit is an empty recording. The same text always gives the
    /// same samples.
    ///
    /// # Errors
    /// [`SpeechError::MissingFlite`] without the program, [`SpeechError::Synthesis`] if it fails.
    pub async fn say(&self, voice: Voice, text: &str) -> Result<Arc<Pcm>, SpeechError> {
        let text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if !text.chars().any(char::is_alphanumeric) {
            return Ok(Arc::new(Pcm {
                samples: Vec::new(),
                rate: 16_000,
            }));
        }
        let key = (voice, text);
        if let Some(found) = self.memory.lock().sentences.get(&key) {
            return Ok(found.clone());
        }
        let pcm = Arc::new(self.load_or_run(voice, &key.1).await?);
        self.memory.lock().insert(key, pcm.clone());
        Ok(pcm)
    }

    async fn load_or_run(&self, voice: Voice, text: &str) -> Result<Pcm, SpeechError> {
        let digest = Sha256::new()
            .chain_update(voice.name())
            .chain_update([0])
            .chain_update(text)
            .finalize();
        let path = self.cache_dir.join(format!("{}.wav", hex::encode(digest)));
        if let Ok(bytes) = tokio::fs::read(&path).await
            && let Ok(pcm) = wav::decode(&bytes)
        {
            return Ok(pcm);
        }
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|e| SpeechError::Synthesis(e.to_string()))?;
        self.run(voice, text, &path).await
    }

    /// Into a temporary file first: other processes may share the directory.
    async fn run(&self, voice: Voice, text: &str, path: &Path) -> Result<Pcm, SpeechError> {
        let file = tempfile::NamedTempFile::new_in(&self.cache_dir)
            .map_err(SpeechError::file(&self.cache_dir))?;
        let child = Command::new("flite")
            .args(["-voice", voice.name(), "-t", text, "-o"])
            .arg(file.path())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = match tokio::time::timeout(DEADLINE, child).await {
            Err(_) => {
                return Err(SpeechError::Synthesis(format!(
                    "no answer within {DEADLINE:?}"
                )));
            }
            Ok(Err(e)) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(SpeechError::MissingFlite);
            }
            Ok(Err(e)) => return Err(SpeechError::Synthesis(e.to_string())),
            Ok(Ok(output)) => output,
        };
        if !output.status.success() {
            return Err(SpeechError::Synthesis(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ));
        }
        let pcm = wav::read(file.path())?;
        file.persist(path)
            .map_err(|e| SpeechError::file(path)(e.error))?;
        Ok(pcm)
    }
}

impl Memory {
    /// A full memory is emptied: the disk still has everything.
    fn insert(&mut self, key: (Voice, String), pcm: Arc<Pcm>) {
        if self.samples + pcm.samples.len() > MEMORY_SAMPLES {
            *self = Self::default();
        }
        self.samples += pcm.samples.len();
        self.sentences.insert(key, pcm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::speech::energy;

    #[tokio::test]
    async fn two_voices_speak_and_the_cache_answers_again() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let flite = Flite::new(dir.path()).expect("cache");
        let first = flite
            .say(Voice::Rms, "Good morning.")
            .await
            .expect("flite: run make setup");
        let other = flite
            .say(Voice::Slt, "Good morning.")
            .await
            .expect("flite: run make setup");
        assert_ne!(first, other);
        assert!(
            first.duration() > Duration::from_millis(400)
                && energy::rms_dbfs(&first.samples) > -40.0
        );
        let again = Flite::new(dir.path())
            .expect("cache")
            .say(Voice::Rms, "Good morning.")
            .await
            .expect("from disk");
        assert_eq!(first, again);
        assert_eq!(std::fs::read_dir(dir.path()).expect("cache").count(), 2);
        assert!(
            flite
                .say(Voice::Slt, " ...\n")
                .await
                .expect("nothing to say")
                .samples
                .is_empty()
        );
    }
}

//! The utterances that exist in the outside world: what patients may say.

use std::{collections::HashSet, path::Path};

use serde::{Deserialize, Serialize};

use crate::speech::Voice;

/// The corpus that comes with the load test.
const BUNDLED: &str = include_str!("../../../corpus/patients.yaml");

/// A list of utterances with distinct ids.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// In any order; the order has no meaning.
    pub utterances: Vec<Utterance>,
}

/// One thing a patient may say without a pause longer than a breath.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Utterance {
    /// Short name for scenarios.
    pub id: String,
    /// What the synthesiser is given.
    pub say: String,
    /// What a good transcript of it reads; the same as `say` if absent.
    #[serde(default)]
    pub text: Option<String>,
    /// Who says it.
    #[serde(default = "patient")]
    pub voice: Voice,
}

fn patient() -> Voice {
    Voice::Rms
}

/// Why a corpus cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// The file could not be read.
    #[error("read corpus {path}")]
    Read {
        /// Which file.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is not a corpus.
    #[error("parse corpus")]
    Parse(#[from] serde_yaml_ng::Error),
    /// Two utterances share an id, or one has no words.
    #[error("utterance {0}: id used twice or nothing to say")]
    Utterance(String),
}

impl Corpus {
    /// The corpus in `loadtest/corpus/patients.yaml`.
    ///
    /// # Errors
    /// [`CorpusError`] if the file was edited wrongly.
    pub fn bundled() -> Result<Self, CorpusError> {
        Self::parse(BUNDLED)
    }

    /// A corpus from a file.
    ///
    /// # Errors
    /// [`CorpusError`].
    pub fn load(path: &Path) -> Result<Self, CorpusError> {
        let text = std::fs::read_to_string(path).map_err(|source| CorpusError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// A corpus from YAML.
    ///
    /// # Errors
    /// [`CorpusError::Parse`], [`CorpusError::Utterance`].
    pub fn parse(yaml: &str) -> Result<Self, CorpusError> {
        let corpus: Self = serde_yaml_ng::from_str(yaml)?;
        let mut ids = HashSet::new();
        match corpus
            .utterances
            .iter()
            .find(|u| !ids.insert(&u.id) || u.transcript().split_whitespace().next().is_none())
        {
            Some(bad) => Err(CorpusError::Utterance(bad.id.clone())),
            None => Ok(corpus),
        }
    }

    /// The utterance with an id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Utterance> {
        self.utterances.iter().find(|u| u.id == id)
    }
}

impl Utterance {
    /// What a good transcript of it reads.
    #[must_use]
    pub fn transcript(&self) -> &str {
        self.text.as_deref().unwrap_or(&self.say)
    }
}

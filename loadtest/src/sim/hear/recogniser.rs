//! Matching live speech against the corpus.

use std::ops::Range;

use super::{
    Corpus, RATE, Utterance,
    align::{self, Corridor, Step, Table},
    features::{self, Cepstrum, Extractor, Frame},
    segment::Segmenter,
};
use crate::speech::{Flite, Pcm, SpeechError};

/// Mean cost per frame above which speech is not from the corpus, and the same for the worst half second.
const ACCEPT_MEAN: f32 = 1.15;
const ACCEPT_WORST: f32 = 1.35;
/// Frames of the "worst half second".
const WORST_SPAN: usize = 30;
/// Shortest speech that is matched at all, in frames (190 ms).
const SHORTEST: usize = 12;
/// Averaging for the first, coarse pass, and how many candidates survive it.
const COARSE: usize = 3;
const SURVIVORS: usize = 4;
/// A finished utterance should end where a phrase of the template ends, within this many frames.
const END_TOLERANCE: usize = 14;
const UNFINISHED: f32 = 1.12;
/// Most chunks that are tried as separate utterances.
const MOST_CHUNKS: usize = 5;

/// An utterance, or the part of it spoken so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Id in the corpus.
    pub id: String,
    /// Its words up to where the speech got.
    pub words: Vec<HeardWord>,
    /// Mean cost per frame; lower is better.
    pub cost: f32,
}

/// One word with its place in the frames that were given.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardWord {
    /// As in the corpus, with capitals and punctuation.
    pub text: String,
    /// First frame.
    pub start: usize,
    /// Frame after the last.
    pub end: usize,
    /// 0 to 1.
    pub confidence: f32,
}

/// Templates of a whole corpus. Cheap to share in an [`std::sync::Arc`]; matching needs no state.
#[derive(Debug)]
pub struct Recogniser {
    templates: Vec<Template>,
}

#[derive(Debug)]
struct Template {
    id: String,
    cepstra: Vec<Cepstrum>,
    coarse: Vec<Cepstrum>,
    /// Phrases between audible pauses.
    chunks: Vec<Range<usize>>,
    words: Vec<(String, Range<usize>)>,
}

/// How much of an utterance a piece of speech may be.
#[derive(Clone, Copy)]
enum Extent {
    /// From the start of a phrase to anywhere: it is still being spoken.
    Open,
    /// The same, but an end within a phrase costs more.
    Phrases,
    /// All of it: only then is a piece of a longer run of speech an utterance of its own.
    Whole,
}

#[derive(Clone, Copy)]
struct Candidate {
    template: usize,
    start: usize,
}

impl Recogniser {
    /// Synthesises and learns every utterance.
    ///
    /// # Errors
    /// As [`Flite::say`].
    pub async fn build(corpus: &Corpus, flite: &Flite) -> Result<Self, SpeechError> {
        let mut templates = Vec::with_capacity(corpus.utterances.len());
        for utterance in &corpus.utterances {
            let pcm = flite.say(utterance.voice, &utterance.say).await?;
            templates.extend(Template::new(utterance, &pcm));
        }
        Ok(Self { templates })
    }

    /// What was spoken in `chunks` (runs of speech, in order) of `frames`. With `complete`, nobody is speaking any more.
    /// Speech that fits nothing is left out.
    #[must_use]
    pub fn recognise(
        &self,
        frames: &[Frame],
        chunks: &[Range<usize>],
        complete: bool,
    ) -> Vec<Heard> {
        let (Some(first), Some(last)) = (chunks.first(), chunks.last()) else {
            return Vec::new();
        };
        let extent = if complete {
            Extent::Phrases
        } else {
            Extent::Open
        };
        if let Some(heard) = self.best(frames, first.start..last.end, extent) {
            return vec![heard];
        }
        if chunks.len() < 2 {
            return Vec::new();
        }
        self.cover(frames, &join_short(chunks), complete)
    }

    /// Several utterances in one go: the cover of the chunks that explains most of the speech.
    fn cover(&self, frames: &[Frame], chunks: &[Range<usize>], complete: bool) -> Vec<Heard> {
        let mut best: Vec<(usize, Vec<Heard>)> = vec![(0, Vec::new())];
        for end in 1..=chunks.len() {
            let mut choice = best[end - 1].clone();
            for start in 0..end {
                let range = chunks[start].start..chunks[end - 1].end;
                let explained = best[start].0 + range.len();
                if explained <= choice.0 {
                    continue;
                }
                let extent = if complete || end < chunks.len() {
                    Extent::Whole
                } else {
                    Extent::Open
                };
                if let Some(heard) = self.best(frames, range, extent) {
                    choice = (
                        explained,
                        best[start].1.iter().cloned().chain([heard]).collect(),
                    );
                }
            }
            best.push(choice);
        }
        best.pop().map(|(_, heard)| heard).unwrap_or_default()
    }

    fn best(&self, frames: &[Frame], range: Range<usize>, extent: Extent) -> Option<Heard> {
        let (candidate, cost, path) = self.closest(frames, range.clone(), extent)?;
        if cost > ACCEPT_MEAN || worst(&path) > ACCEPT_WORST {
            return None;
        }
        Some(self.templates[candidate.template].heard(&path, range.start, cost))
    }

    fn closest(
        &self,
        frames: &[Frame],
        range: Range<usize>,
        extent: Extent,
    ) -> Option<(Candidate, f32, Vec<Step>)> {
        if range.len() < SHORTEST {
            return None;
        }
        let live = features::cepstra(frames.get(range)?);
        let fine = self
            .coarse(&live)
            .into_iter()
            .filter_map(|c| self.fine(&live, c, extent));
        fine.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The candidates that look best at a third of the resolution.
    fn coarse(&self, live: &[Cepstrum]) -> Vec<Candidate> {
        let live = thin(live);
        let mut scored: Vec<(f32, Candidate)> = Vec::new();
        for (index, template) in self.templates.iter().enumerate() {
            for chunk in &template.chunks {
                let corridor = Corridor {
                    start: chunk.start / COARSE,
                    slack: 3,
                    width: 6,
                };
                if let Some((fit, _)) = template_fit(&live, &template.coarse, corridor) {
                    scored.push((
                        fit.cost,
                        Candidate {
                            template: index,
                            start: chunk.start,
                        },
                    ));
                }
            }
        }
        scored.sort_by(|a, b| a.0.total_cmp(&b.0));
        scored.iter().take(SURVIVORS).map(|s| s.1).collect()
    }

    fn fine(
        &self,
        live: &[Cepstrum],
        candidate: Candidate,
        extent: Extent,
    ) -> Option<(Candidate, f32, Vec<Step>)> {
        let template = &self.templates[candidate.template];
        let corridor = Corridor {
            start: candidate.start,
            slack: 8,
            width: 18,
        };
        let (fit, table) = template_fit(live, &template.cepstra, corridor)?;
        let ends_at = |end: usize| end.abs_diff(fit.end + 1) <= END_TOLERANCE;
        let cost = match extent {
            Extent::Whole if candidate.start > 0 || !ends_at(template.cepstra.len()) => {
                return None;
            }
            Extent::Phrases if !template.chunks.iter().any(|chunk| ends_at(chunk.end)) => {
                fit.cost * UNFINISHED
            }
            _ => fit.cost,
        };
        Some((candidate, cost, table.path(fit.end)))
    }
}

fn template_fit(
    live: &[Cepstrum],
    template: &[Cepstrum],
    corridor: Corridor,
) -> Option<(align::Fit, Table)> {
    let reach = template.len().min(corridor.start + live.len());
    let shift = align::offset(live, template.get(corridor.start..reach)?);
    let table = Table::new(live, template, &shift, corridor);
    Some((table.fit(live.len())?, table))
}

fn thin(frames: &[Cepstrum]) -> Vec<Cepstrum> {
    let mean = |part: &[Cepstrum]| {
        std::array::from_fn(|k| part.iter().map(|c| c[k]).sum::<f32>() / part.len() as f32)
    };
    frames.chunks(COARSE).map(mean).collect()
}

/// Highest mean cost over any half second.
fn worst(path: &[Step]) -> f32 {
    let span = WORST_SPAN.min(path.len()).max(1);
    path.windows(span)
        .map(|w| w.iter().map(|s| s.cost).sum::<f32>() / span as f32)
        .fold(0.0, f32::max)
}

/// Joins chunks across their shortest pauses until few enough are left.
fn join_short(chunks: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut chunks = chunks.to_vec();
    while chunks.len() > MOST_CHUNKS {
        let pause = |i: &usize| chunks[i + 1].start - chunks[*i].end;
        let Some(at) = (0..chunks.len() - 1).min_by_key(pause) else {
            break;
        };
        let next = chunks.remove(at + 1);
        chunks[at].end = next.end;
    }
    chunks
}

impl Template {
    /// `None` if there is no speech in the recording.
    fn new(utterance: &Utterance, pcm: &Pcm) -> Option<Self> {
        let (frames, chunks) = analyse(&pcm.telephone());
        let (first, last) = (chunks.first()?.start, chunks.last()?.end);
        let chunks: Vec<Range<usize>> = chunks
            .iter()
            .map(|c| c.start - first..c.end - first)
            .collect();
        let cepstra = features::cepstra(&frames[first..last]);
        let words = spread_words(utterance.transcript(), &chunks);
        Some(Self {
            id: utterance.id.clone(),
            coarse: thin(&cepstra),
            cepstra,
            chunks,
            words,
        })
    }

    fn heard(&self, path: &[Step], base: usize, cost: f32) -> Heard {
        let reached = path.last().map_or(0, |s| s.template);
        let began = path.first().map_or(0, |s| s.template);
        let spoken = |range: &Range<usize>| {
            let middle = (range.start + range.end) / 2;
            middle + 1 >= began && middle <= reached
        };
        let words = self.words.iter().filter(|(_, range)| spoken(range));
        let words = words
            .map(|(text, range)| heard_word(text, range, path, base))
            .collect();
        Heard {
            id: self.id.clone(),
            words,
            cost,
        }
    }
}

/// Where a template's word lies in the live frames.
fn heard_word(text: &str, range: &Range<usize>, path: &[Step], base: usize) -> HeardWord {
    let start = path.partition_point(|s| s.template < range.start);
    let end = path
        .partition_point(|s| s.template < range.end)
        .max(start + 1)
        .min(path.len());
    let steps = path.get(start..end).unwrap_or_default();
    let cost = steps.iter().map(|s| s.cost).sum::<f32>() / steps.len().max(1) as f32;
    let confidence = (1.0 - 0.3 * (cost / ACCEPT_WORST).powi(2)).clamp(0.4, 0.998);
    HeardWord {
        text: text.to_owned(),
        start: base + start,
        end: base + end,
        confidence,
    }
}

/// Frames of a whole recording and its runs of speech.
pub(super) fn analyse(pcm: &Pcm) -> (Vec<Frame>, Vec<Range<usize>>) {
    debug_assert_eq!(pcm.rate, RATE);
    let mut frames = Vec::new();
    Extractor::default().push(&pcm.samples, &mut frames);
    let mut segmenter = Segmenter::default();
    for frame in &frames {
        segmenter.push(frame);
    }
    (frames, segmenter.take())
}

/// Gives every word its share of the speech: phrase by phrase where phrases and pauses match, else over everything.
fn spread_words(text: &str, chunks: &[Range<usize>]) -> Vec<(String, Range<usize>)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let phrases: Vec<&[&str]> = words
        .split_inclusive(|w| w.ends_with([',', '.', '?', '!', ';', ':']))
        .collect();
    if phrases.len() == chunks.len() {
        return phrases
            .iter()
            .zip(chunks)
            .flat_map(|(p, c)| spread(p, c.clone()))
            .collect();
    }
    let (first, last) = (
        chunks.first().map_or(0, |c| c.start),
        chunks.last().map_or(0, |c| c.end),
    );
    spread(&words, first..last)
}

fn spread(words: &[&str], range: Range<usize>) -> Vec<(String, Range<usize>)> {
    let weight = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).count().max(1) + 1;
    let total: usize = words.iter().map(|w| weight(w)).sum();
    let mut done = 0;
    let mut place = |word: &&str| {
        let start = range.start + done * range.len() / total;
        done += weight(word);
        (
            (*word).to_owned(),
            start..range.start + done * range.len() / total,
        )
    };
    words.iter().map(&mut place).collect()
}

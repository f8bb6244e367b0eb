//! What a client asks of `/v1/listen`.

use super::{
    Refusal,
    audio::Encoding,
    query::{Query, bad},
};

const MODELS: [&str; 10] = [
    "nova-3",
    "nova-2",
    "nova",
    "enhanced",
    "base",
    "whisper",
    "general",
    "phonecall",
    "meeting",
    "2-general",
];
const REAL_ENCODINGS: [&str; 8] = [
    "linear32", "flac", "amr-nb", "amr-wb", "opus", "ogg-opus", "speex", "g729",
];
const RATES: std::ops::RangeInclusive<u32> = 8_000..=48_000;
/// Tokens of all key terms together; words stand for tokens here.
const KEYTERM_WORDS: usize = 500;

/// Validated parameters. Those that only change a real model's text are accepted and recorded with the request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ListenParams {
    pub(super) model: String,
    /// Absent: a container is expected, which the simulator cannot decode.
    pub(super) encoding: Option<Encoding>,
    pub(super) sample_rate: u32,
    pub(super) channels: u32,
    pub(super) interim_results: bool,
    /// Milliseconds of silence; `None` is `endpointing=false`.
    pub(super) endpointing_ms: Option<u32>,
    pub(super) utterance_end_ms: Option<u32>,
    pub(super) vad_events: bool,
    /// Capitals and punctuation (`punctuate` or `smart_format`).
    pub(super) punctuate: bool,
}

impl ListenParams {
    pub(super) fn parse(query: &Query) -> Result<Self, Refusal> {
        let model = model(query)?;
        check_terms(query, &model)?;
        for name in [
            "diarize",
            "numerals",
            "dictation",
            "filler_words",
            "no_delay",
            "multichannel",
            "mip_opt_out",
            "detect_entities",
        ] {
            query.flag(name)?;
        }
        let (encoding, sample_rate) = format(query)?;
        let interim_results = query.flag("interim_results")?;
        let utterance_end_ms = query.number("utterance_end_ms")?;
        if utterance_end_ms.is_some_and(|ms| ms < 1_000 || !interim_results) {
            return Err(Refusal::parameter(
                "utterance_end_ms must be at least 1000 and needs interim_results=true",
            ));
        }
        Ok(Self {
            model,
            encoding,
            sample_rate,
            channels: query.number("channels")?.unwrap_or(1).clamp(1, 8),
            interim_results,
            endpointing_ms: endpointing(query)?,
            utterance_end_ms,
            vad_events: query.flag("vad_events")?,
            punctuate: query.flag("punctuate")? | query.flag("smart_format")?,
        })
    }
}

fn model(query: &Query) -> Result<String, Refusal> {
    let model = query.first("model").unwrap_or("base-general");
    if MODELS.iter().any(|known| {
        model
            .strip_prefix(known)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }) {
        return Ok(model.to_owned());
    }
    Err(Refusal::parameter(format!(
        "No such model/language/tier combination found: {model}"
    )))
}

fn check_terms(query: &Query, model: &str) -> Result<(), Refusal> {
    let nova3 = model.starts_with("nova-3");
    if !nova3 && query.first("keyterm").is_some() {
        return Err(Refusal::parameter("Keyterm is only available for Nova-3"));
    }
    if nova3 && query.first("keywords").is_some() {
        return Err(Refusal::parameter(
            "Keywords are not supported for Nova-3, use keyterm",
        ));
    }
    if query
        .all("keyterm")
        .map(|term| term.split_whitespace().count())
        .sum::<usize>()
        > KEYTERM_WORDS
    {
        return Err(Refusal::parameter(
            "Keyterm limit exceeded. The maximum number of tokens across all keyterms is 500.",
        ));
    }
    Ok(())
}

fn format(query: &Query) -> Result<(Option<Encoding>, u32), Refusal> {
    let rate = query.number("sample_rate")?;
    let Some(name) = query.first("encoding") else {
        return Ok((None, rate.unwrap_or(8_000)));
    };
    if REAL_ENCODINGS.contains(&name) {
        return Err(Refusal::parameter(format!(
            "the simulator decodes linear16, mulaw and alaw only, not {name}"
        )));
    }
    let encoding =
        Encoding::parse(name).ok_or_else(|| bad("encoding", name, "unknown encoding"))?;
    match rate {
        Some(rate) if RATES.contains(&rate) => Ok((Some(encoding), rate)),
        Some(rate) => Err(bad(
            "sample_rate",
            &rate.to_string(),
            "unsupported sample rate",
        )),
        None => Err(Refusal::parameter(format!(
            "sample_rate is required with encoding={name}"
        ))),
    }
}

fn endpointing(query: &Query) -> Result<Option<u32>, Refusal> {
    match query.first("endpointing") {
        None | Some("true") => Ok(Some(10)),
        Some("false") => Ok(None),
        Some(_) => query.number("endpointing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Result<ListenParams, String> {
        ListenParams::parse(&Query::parse(Some(raw)))
            .map_err(|r| format!("{} {}", r.status.as_u16(), r.code))
    }

    #[test]
    fn a_telephone_agents_query_is_understood() {
        let raw = "model=nova-3-medical&encoding=linear16&sample_rate=16000&interim_results=true&endpointing=300\
                   &utterance_end_ms=1000&vad_events=true&smart_format=true&keyterm=Delta%20Dental&keyterm=Osei&mip_opt_out=true";
        let params = parse(raw).expect("valid");
        assert_eq!(
            (params.encoding, params.sample_rate, params.endpointing_ms),
            (Some(Encoding::Linear16), 16_000, Some(300))
        );
        assert!(params.punctuate && params.vad_events && params.utterance_end_ms == Some(1_000));
    }

    #[test]
    fn defaults_are_those_of_the_service() {
        let params = parse("encoding=mulaw&sample_rate=8000").expect("valid");
        assert_eq!(
            (
                params.endpointing_ms,
                params.interim_results,
                params.channels
            ),
            (Some(10), false, 1)
        );
        assert_eq!(
            parse("endpointing=false").expect("valid").endpointing_ms,
            None
        );
    }

    #[test]
    fn mistakes_are_refused() {
        for raw in [
            "model=gpt-4o",
            "encoding=linear16",
            "encoding=mp9&sample_rate=8000",
            "encoding=linear16&sample_rate=200",
            "interim_results=yes",
            "utterance_end_ms=1000",
            "interim_results=true&utterance_end_ms=500",
            "model=nova-2&keyterm=Osei",
            "model=nova-3&keywords=Osei",
            "endpointing=soon",
        ] {
            assert_eq!(
                parse(raw),
                Err("400 INVALID_QUERY_PARAMETER".to_owned()),
                "{raw}"
            );
        }
    }
}

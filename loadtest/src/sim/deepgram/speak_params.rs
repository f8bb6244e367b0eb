//! What a client asks of `/v1/speak`.

use super::{
    Refusal,
    audio::Encoding,
    query::{Query, bad},
};

/// Validated parameters. `model`, `speed` and `mip_opt_out` do not change the sound: there is one voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpeakParams {
    pub(super) model: String,
    pub(super) encoding: Encoding,
    pub(super) sample_rate: u32,
}

impl SpeakParams {
    pub(super) fn parse(query: &Query) -> Result<Self, Refusal> {
        query.flag("mip_opt_out")?;
        let model = query.first("model").unwrap_or("aura-asteria-en");
        if !model.starts_with("aura-") {
            return Err(Refusal::parameter(format!(
                "No such model/version combination found: {model}"
            )));
        }
        if let Some(speed) = query.first("speed")
            && !speed.parse::<f32>().is_ok_and(|s| (0.7..=1.5).contains(&s))
        {
            return Err(bad("speed", speed, "expected 0.7 to 1.5"));
        }
        let name = query.first("encoding").unwrap_or("linear16");
        let encoding = Encoding::parse(name)
            .ok_or_else(|| bad("encoding", name, "streaming speaks linear16, mulaw or alaw"))?;
        let default = if encoding == Encoding::Linear16 {
            24_000
        } else {
            8_000
        };
        let sample_rate = query.number("sample_rate")?.unwrap_or(default);
        let allowed: &[u32] = if encoding == Encoding::Linear16 {
            &[8_000, 16_000, 24_000, 32_000, 48_000]
        } else {
            &[8_000, 16_000]
        };
        if !allowed.contains(&sample_rate) {
            return Err(bad(
                "sample_rate",
                &sample_rate.to_string(),
                "unsupported with this encoding",
            ));
        }
        Ok(Self {
            model: model.to_owned(),
            encoding,
            sample_rate,
        })
    }

    pub(super) fn bytes_per_ms(&self, ms: u64) -> usize {
        (u64::from(self.sample_rate) * ms / 1_000) as usize * self.encoding.bytes_per_sample()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Result<SpeakParams, u16> {
        SpeakParams::parse(&Query::parse(Some(raw))).map_err(|r| r.status.as_u16())
    }

    #[test]
    fn rates_depend_on_the_encoding() {
        assert_eq!(
            parse("").map(|p| (p.encoding, p.sample_rate)),
            Ok((Encoding::Linear16, 24_000))
        );
        assert!(parse("encoding=mulaw&sample_rate=8000&model=aura-2-thalia-en").is_ok());
        for raw in [
            "encoding=mulaw&sample_rate=24000",
            "encoding=mp3",
            "model=tts-1",
            "sample_rate=12345",
            "speed=9",
        ] {
            assert_eq!(parse(raw), Err(400), "{raw}");
        }
    }
}

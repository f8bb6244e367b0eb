//! What is known of language models by their names.

/// How long a thinking model is asked to think; the least that its family knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
}

impl Effort {
    /// As vendors write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
        }
    }

    /// The next that a family may know which refuses this one.
    #[must_use]
    pub const fn more(self) -> Option<Self> {
        match self {
            Self::None => Some(Self::Minimal),
            Self::Minimal => Some(Self::Low),
            Self::Low => None,
        }
    }
}

/// What a model is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelTraits {
    /// It thinks before it answers, and its thoughts count as part of the answer's length.
    pub thinks: bool,
    /// The least that it can be asked to think, if it can be asked.
    pub effort: Option<Effort>,
}

impl ModelTraits {
    const fn thinking(effort: Option<Effort>) -> Self {
        Self {
            thinks: true,
            effort,
        }
    }

    /// What a model or deployment of this name is like. A name that nobody knows is taken for a model that answers at once.
    ///
    /// # Errors
    /// Why no conversation can be held with it.
    pub fn of(name: &str) -> Result<Self, &'static str> {
        let name = bare(name);
        let has = |part: &str| name.contains(part);
        if let Some(why) = unusable(&name) {
            return Err(why);
        }
        if is_series(&name, 'o') {
            return Ok(Self::thinking(Some(Effort::Low)));
        }
        if name.starts_with("gpt-oss") {
            return Ok(Self::thinking(Some(Effort::Low)));
        }
        if let Some(version) = gpt_version(&name).filter(|_| !has("-chat")) {
            // From 5.1 on a model can be told not to think at all.
            let effort = match version {
                (5, 0) => Effort::Minimal,
                _ => Effort::None,
            };
            return Ok(match version {
                (0..=4, _) => Self::default(),
                _ => Self::thinking(Some(effort)),
            });
        }
        let others = ["deepseek-r1", "reasoner", "-thinking", "qwq", "magistral"];
        if others.into_iter().any(has) {
            return Ok(Self::thinking(None));
        }
        Ok(Self::default())
    }
}

/// Without the vendor before it, and what fine-tuning puts around it.
fn bare(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    let name = name.rsplit('/').next().unwrap_or(&name);
    let tuned = name.strip_prefix("ft:").unwrap_or(name);
    tuned.split(':').next().unwrap_or(tuned).to_owned()
}

/// `o1`, `o3-mini`, `o4-mini-2025-04-16`.
fn is_series(name: &str, letter: char) -> bool {
    let Some(rest) = name.strip_prefix(letter) else {
        return false;
    };
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    after.len() < rest.len() && (after.is_empty() || after.starts_with('-'))
}

/// `gpt-5`, `gpt-5.1-mini`, `gpt-4o`.
fn gpt_version(name: &str) -> Option<(u32, u32)> {
    let rest = name.strip_prefix("gpt-")?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    // A deployment's `gpt-35-turbo` is 3.5.
    let major = rest[..end].parse().ok().filter(|major| *major < 35)?;
    let minor = rest[end..].strip_prefix('.').and_then(|minor| {
        let end = minor
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(minor.len());
        minor[..end].parse().ok()
    });
    Some((major, minor.unwrap_or_default()))
}

fn unusable(name: &str) -> Option<&'static str> {
    const NO_TEXT: &str = "is no model that converses in text";
    const NO_TOOLS: &str = "cannot call tools, and nothing can be booked without";
    const TOO_SLOW: &str =
        "thinks for longer than a caller waits, and is not offered as streamed chat completions";
    let family = ["gpt-", "chatgpt-", "o1", "o3", "o4"];
    let other = [
        "whisper",
        "tts-",
        "text-embedding",
        "dall-e",
        "omni-moderation",
        "text-moderation",
        "sora",
    ];
    if other.into_iter().any(|start| name.starts_with(start)) {
        return Some(NO_TEXT);
    }
    if ["davinci-002", "babbage-002", "gpt-3.5-turbo-instruct"]
        .into_iter()
        .any(|n| name.starts_with(n))
    {
        return Some(NO_TOOLS);
    }
    if !family.into_iter().any(|start| name.starts_with(start)) {
        return None;
    }
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["realtime", "audio", "transcribe", "-tts", "-image"]) {
        Some(NO_TEXT)
    } else if has(&["o1-mini", "o1-preview", "search-preview", "search-api"]) {
        Some(NO_TOOLS)
    } else if has(&["-pro", "codex", "deep-research"]) {
        Some(TOO_SLOW)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C18, C35
    #[test]
    fn a_thinking_model_is_known_by_its_family() {
        let effort = |name: &str| {
            let traits = ModelTraits::of(name).expect("usable");
            (traits.thinks, traits.effort.map(Effort::as_str))
        };
        for name in [
            "o1",
            "o3",
            "o3-mini",
            "o4-mini",
            "o4-mini-2025-04-16",
            "openai/o3",
            "gpt-oss-120b",
            "O3-Mini",
            "ft:o4-mini:clinic::x",
        ] {
            assert_eq!(effort(name), (true, Some("low")), "{name}");
        }
        for name in [
            "gpt-5",
            "gpt-5-mini",
            "gpt-5-nano-2025-08-07",
            "openai/gpt-5-mini",
        ] {
            assert_eq!(effort(name), (true, Some("minimal")), "{name}");
        }
        for name in ["gpt-5.1", "gpt-5.2-mini", "gpt-6"] {
            assert_eq!(effort(name), (true, Some("none")), "{name}");
        }
        for name in ["deepseek-r1", "deepseek-reasoner", "qwen3-235b-thinking"] {
            assert_eq!(effort(name), (true, None), "{name}");
        }
        for name in [
            "gpt-4o",
            "gpt-4.1-mini",
            "gpt-4",
            "gpt-35-turbo",
            "gpt-5-chat-latest",
            "gpt-5.1-chat-latest",
            "chatgpt-4o-latest",
            "ft:gpt-4o:clinic::x",
            "prod",
            "olive",
            "llama-3.3-70b-instruct",
            "audio-clinic",
            "",
        ] {
            assert_eq!(effort(name), (false, None), "{name}");
        }
    }

    #[test]
    fn a_model_that_cannot_hold_a_conversation_is_refused() {
        for name in [
            "o1-mini",
            "o1-preview-2024-09-12",
            "o1-pro",
            "o3-pro",
            "gpt-5-pro",
            "gpt-5-codex",
            "o4-mini-deep-research",
            "gpt-4o-realtime-preview",
            "gpt-4o-transcribe",
            "gpt-4o-mini-tts",
            "whisper-1",
            "gpt-3.5-turbo-instruct",
            "gpt-4o-search-preview",
            "text-embedding-3-small",
        ] {
            assert!(ModelTraits::of(name).is_err(), "{name}");
        }
    }
}

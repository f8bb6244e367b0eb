//! Query strings, strictly.

use super::Refusal;

/// Decoded parameters in order, repeated ones kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(pub(super) Vec<(String, String)>);

impl Query {
    pub(super) fn parse(raw: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(raw.unwrap_or_default().as_bytes());
        Self(
            pairs
                .map(|(k, v)| (k.into_owned(), v.into_owned()))
                .collect(),
        )
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(k, _)| k == name)
            .map(|(_, v)| v.as_str())
    }

    pub(super) fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.first(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(bad(name, other, "expected true or false")),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u32>, Refusal> {
        self.first(name)
            .map(|v| {
                v.parse()
                    .map_err(|_| bad(name, v, "expected a whole number"))
            })
            .transpose()
    }
}

pub(super) fn bad(name: &str, value: &str, why: &str) -> Refusal {
    Refusal::parameter(format!(
        "Failed to deserialize query parameters: {name}={value}: {why}"
    ))
}

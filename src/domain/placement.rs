//! Where a call is served: in which LiveKit project, by the pods of which name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name that is not of its form.
#[derive(Debug, thiserror::Error)]
#[error("a {kind} is 1 to 32 lower-case letters, digits and hyphens, with a letter first")]
pub struct InvalidName {
    kind: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// As written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                if is_name(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName { kind: $kind })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A pool of workers near a group of clinics (`eu`, `us-east`).
    Region, "region"
}

name! {
    /// A LiveKit project, by the name that the configuration gives it.
    ProjectName, "livekit project"
}

impl Default for ProjectName {
    /// The project of the section `livekit` itself.
    fn default() -> Self {
        Self("default".into())
    }
}

/// The pods that a call is offered to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placement {
    /// Where its room is.
    pub project: ProjectName,
    /// The name that the pods register under.
    pub agent_name: String,
}

/// The name that a region's pods register under: `base` alone for the pods of no region.
#[must_use]
pub fn agent_name(base: &str, region: Option<&Region>) -> String {
    region.map_or_else(|| base.to_owned(), |region| format!("{base}.{region}"))
}

fn is_name(text: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=32).contains(&text.len())
        && text.bytes().all(allowed)
        && text.as_bytes()[0].is_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for good in ["eu", "us-east-1", "a"] {
            assert_eq!(good.parse::<Region>().expect(good).as_str(), good);
        }
        let long = "a".repeat(33);
        for bad in ["", "EU", "1eu", "-eu", "e.u", "e u", "é", &long] {
            assert!(bad.parse::<ProjectName>().is_err(), "{bad:?}");
        }
        let json = serde_json::from_str::<Region>(r#""Not a name""#);
        assert!(json.is_err());
    }

    #[test]
    fn the_pods_of_a_region_have_a_name_of_their_own() {
        let eu: Region = "eu".parse().expect("region");
        assert_eq!(agent_name("neurality", Some(&eu)), "neurality.eu");
        assert_eq!(agent_name("neurality", None), "neurality");
    }
}

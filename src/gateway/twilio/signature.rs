//! `X-Twilio-Signature`: proves that a webhook comes from our Twilio account.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::{Url, form_urlencoded};

use crate::config::Secret;

/// Checks signatures against the account's auth tokens: the current one and, while it is rotated, the next.
#[derive(Clone, Debug)]
pub struct Verifier {
    tokens: Vec<Secret>,
}

/// A request as Twilio sent it.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The URL as Twilio knows it, with its query.
    pub url: &'a str,
    /// The raw body.
    pub body: &'a [u8],
    /// The header's value.
    pub signature: &'a str,
}

impl Verifier {
    /// A verifier that accepts any of these tokens. Without a token nothing is accepted.
    #[must_use]
    pub fn new(tokens: &[Secret]) -> Self {
        let tokens = tokens.iter().filter(|token| !token.is_empty());
        Self {
            tokens: tokens.cloned().collect(),
        }
    }

    /// Whether one of the tokens signed this request.
    #[must_use]
    pub fn accepts(&self, request: Signed<'_>) -> bool {
        let Ok(signature) = STANDARD.decode(request.signature) else {
            return false;
        };
        let Some(fields) = signed_fields(request) else {
            return false;
        };
        // No early exit: the time says nothing about which token or which form of the URL matched.
        let mut accepted = false;
        for token in &self.tokens {
            for url in forms_of(request.url) {
                accepted |= is_signed_by(token, &url, &fields, &signature);
            }
        }
        accepted
    }
}

/// What is signed after the URL: a form's fields, or nothing if the URL carries the body's hash. `None` if the hash is wrong.
fn signed_fields(request: Signed<'_>) -> Option<String> {
    match body_hash(request.url) {
        Some(expected) => {
            let actual = hex::encode(Sha256::digest(request.body));
            bool::from(actual.as_bytes().ct_eq(expected.as_bytes())).then(String::new)
        }
        None => Some(canonical_fields(request.body)),
    }
}

fn body_hash(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let hash = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "bodySHA256")?;
    Some(hash.1.into_owned())
}

/// Names and decoded values in order, without separators; equal pairs once.
fn canonical_fields(form: &[u8]) -> String {
    let mut fields: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
    fields.sort_unstable();
    fields.dedup();
    fields
        .into_iter()
        .flat_map(|(name, value)| [name, value])
        .collect()
}

fn is_signed_by(token: &Secret, url: &str, fields: &str, signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(token.expose().as_bytes()) else {
        return false;
    };
    mac.update(url.as_bytes());
    mac.update(fields.as_bytes());
    mac.verify_slice(signature).is_ok()
}

/// The URL as given, with the scheme's port written out, and without a port: Twilio is not consistent.
fn forms_of(url: &str) -> [String; 3] {
    let given = url.to_owned();
    let Some((scheme, rest)) = url.split_once("://") else {
        return [given.clone(), given.clone(), given];
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let port = if scheme == "https" { 443 } else { 80 };
    [
        given,
        format!("{scheme}://{host}:{port}{path}"),
        format!("{scheme}://{host}{path}"),
    ]
}

/// The URL that Twilio called: ours as Twilio knows it, with the request's path and query as they came.
#[must_use]
pub fn public_form(public: &Url, path_and_query: &str) -> String {
    format!("{}{path_and_query}", public.as_str().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const FORM: &[u8] = b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309";

    fn accepts(url: &str, body: &[u8], signature: &str) -> bool {
        Verifier::new(&[Secret::new("12345")]).accepts(Signed {
            url,
            body,
            signature,
        })
    }

    #[test]
    fn the_vector_of_a_form_post() {
        assert!(accepts(URL, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
    }

    #[test]
    fn the_vector_with_a_port_and_both_forms_of_the_default_port() {
        let with_port = "https://mycompany.com:443/myapp.php?foo=1&bar=2";
        assert!(accepts(with_port, FORM, "kvajT1Ptam85bY51eRf/AJRuM3w="));
        assert!(
            accepts(URL, FORM, "kvajT1Ptam85bY51eRf/AJRuM3w="),
            "Twilio wrote the port, we do not"
        );
        assert!(
            accepts(with_port, FORM, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            "we write the port, Twilio did not"
        );
    }

    #[test]
    fn the_vector_of_a_body_hash() {
        let url = format!(
            "{URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
        );
        let body = br#"{"property": "value", "boolean": true}"#;
        assert!(accepts(&url, body, "a9nBmqA0ju/hNViExpshrM61xv4="));
        assert!(!accepts(
            &url,
            br#"{"property": "other", "boolean": true}"#,
            "a9nBmqA0ju/hNViExpshrM61xv4="
        ));
    }

    #[test]
    fn the_vector_of_repeated_fields() {
        let form = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234";
        assert!(accepts(URL, form, "IK+Dwps556ElfBT0I3Rgjkr1wJU="));
    }

    #[test]
    fn another_url_body_token_or_signature_is_refused() {
        let signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
        assert!(!accepts(
            "https://mycompany.com/myapp.php?foo=1&bar=3",
            FORM,
            signature
        ));
        assert!(!accepts(
            "http://mycompany.com/myapp.php?foo=1&bar=2",
            FORM,
            signature
        ));
        assert!(!accepts(URL, b"CallSid=CA1234567890ABCDE", signature));
        for wrong in [
            "",
            "=",
            "RSOYDt4T1cUTdK1PDd93/VVr8B9=",
            "RSOYDt4T1cUTdK1PDd93",
            "\u{fe}",
        ] {
            assert!(!accepts(URL, FORM, wrong), "{wrong}");
        }
        let signed = Signed {
            url: URL,
            body: FORM,
            signature,
        };
        assert!(!Verifier::new(&[Secret::new("54321")]).accepts(signed));
        assert!(!Verifier::new(&[]).accepts(signed));
        assert!(
            !Verifier::new(&[Secret::default()]).accepts(signed),
            "an empty token is none"
        );
    }

    #[test]
    fn both_tokens_of_a_rotation_are_accepted() {
        let verifier = Verifier::new(&[Secret::new("next"), Secret::new("12345")]);
        assert!(verifier.accepts(Signed {
            url: URL,
            body: FORM,
            signature: "RSOYDt4T1cUTdK1PDd93/VVr8B8="
        }));
    }

    #[test]
    fn the_public_url_may_have_a_path() {
        let public: Url = "https://clinic.example/voice-agent/".parse().expect("url");
        assert_eq!(
            public_form(&public, "/voice?a=1"),
            "https://clinic.example/voice-agent/voice?a=1"
        );
        let bare: Url = "https://clinic.example".parse().expect("url");
        assert_eq!(public_form(&bare, "/voice"), "https://clinic.example/voice");
    }
}

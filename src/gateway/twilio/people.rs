//! People whom Twilio dials for a caller: who may be dialled, what their phone shows, whether anybody spoke.

use std::time::Duration;

use tokio::time::Instant;

use super::request::SignedForm;
use crate::{
    domain::{e164::E164, phone},
    gateway::Gateway,
};

/// Fields in which Twilio names numbers that are in this call already: dialled once more, they ring here again, or are busy with this call.
const ON_THE_LINE: [&str; 5] = ["To", "Called", "From", "Caller", "ForwardedFrom"];

/// For Postgres to say whose number it is. The caller hears nothing meanwhile, and may have waited for a Redis that is away already.
const PATIENCE: Duration = Duration::from_millis(150);

/// Whether whoever is dialled at this number would be this pool again, or the line that is calling. A clinic that has its main line forwarded to us, and names the same line as the place for
/// callers whom we cannot serve, would have them go round for ever.
pub(super) async fn leads_back(gateway: &Gateway, form: &SignedForm, to: &E164) -> bool {
    let is_on_the_line =
        form.dialled().as_ref() == Some(to) || ON_THE_LINE.iter().any(|name| is_in(form, name, to));
    if is_on_the_line {
        tracing::error!("a person's number is a number of this call: it is not dialled");
        return true;
    }
    // Unknown, while Postgres is away: then it is dialled, as it was yesterday.
    let patience = Instant::now() + PATIENCE;
    let is_ours = matches!(gateway.directory.find(to, patience).await, Ok(Some(_)));
    if is_ours {
        tracing::error!("a person's number is a clinic's number of this pool: it is not dialled");
    }
    is_ours
}

fn is_in(form: &SignedForm, name: &str, to: &E164) -> bool {
    form.field(name).and_then(phone::from_network).as_ref() == Some(to)
}

/// The number that a person's phone shows. The caller's own, which Twilio shows if nothing is said; or, because a call from no number is refused, the one that was dialled.
pub(super) fn shown(form: &SignedForm) -> Option<E164> {
    match form.caller() {
        Some(_) => None,
        None => form.dialled(),
    }
}

/// Whether a leg to a person ended without a word: nobody can have spoken in no time, and Twilio calls a leg completed whose line was picked up and put down, or taken by a machine that hung up.
pub(super) fn nobody_spoke(form: &SignedForm) -> bool {
    form.field("DialCallDuration")
        .and_then(|seconds| seconds.trim().parse::<u64>().ok())
        == Some(0)
}

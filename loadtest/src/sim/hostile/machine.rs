//! Words of machines that models let slip into their text.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;

use super::arguments::Call;

/// A text that holds a call, a thought or a marker, in one of the forms that models use.
pub(super) fn words(call: &Call, sentence: &str, rng: &mut StdRng) -> String {
    let Call { name, arguments } = call;
    let object = json!({ "name": name, "arguments": arguments }).to_string();
    match rng.random_range(0..14) {
        0 => format!("<think>The caller wants something. {sentence}</think>Sure."),
        1 => format!("<thinking>\n{sentence}\n</thinking>\nSure."),
        2 => format!(
            "<|channel|>analysis<|message|>{sentence}<|end|><|start|>assistant<|channel|>final<|message|>Sure."
        ),
        3 => format!("<tool_call>\n{object}\n</tool_call>"),
        4 => format!("to=functions.{name} {arguments}"),
        5 => format!("[TOOL_CALLS][{object}]"),
        6 => format!("```json\n{object}\n```"),
        7 => format!("Sure. {object}"),
        8 => format!("{name}({arguments})"),
        9 => format!("<function={name}>{arguments}</function>"),
        10 => format!("<|python_tag|>{name}.call({arguments})"),
        11 => format!("Assistant: {sentence}\nUser: yes\nAssistant: {sentence}"),
        12 => format!("commentary to=functions.{name} code<|message|>{arguments}<|call|>"),
        _ => object,
    }
}

/// A text in which there is nothing to say.
pub(super) fn nothing(rng: &mut StdRng) -> &'static str {
    [
        "",
        " ",
        "\n\n",
        "...",
        "\"",
        "[]",
        "{}",
        "🙂",
        "*",
        "—",
        "<think></think>",
    ]
    .choose(rng)
    .copied()
    .unwrap_or_default()
}

use super::*;

fn filter() -> MachineText {
    MachineText::new(ToolNames::new([
        "find_available_slots",
        "book_appointment",
        "look",
        "book",
    ]))
}

/// What is said and which calls are made of text that comes in these pieces.
fn run<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, Vec<String>) {
    let mut filter = filter();
    let mut found: Vec<Piece> = pieces.into_iter().flat_map(|p| filter.push(p)).collect();
    found.extend(filter.finish());
    let (mut said, mut calls) = (String::new(), Vec::new());
    for piece in found {
        match piece {
            Piece::Text(text) => said += &text,
            Piece::Call((name, arguments)) => calls.push(format!("{name}({arguments})")),
        }
    }
    (said, calls)
}

/// At once, a character at a time, and cut in two at each place.
fn in_every_split(text: &str, said: &str, calls: &[&str]) {
    let expected = (
        said.to_owned(),
        calls.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>(),
    );
    let words = |(said, calls): (String, Vec<String>)| {
        (said.split_whitespace().collect::<Vec<_>>().join(" "), calls)
    };
    assert_eq!(words(run([text])), expected, "{text:?}");
    let each: Vec<String> = text.chars().map(String::from).collect();
    let whole = run([text]);
    assert_eq!(
        run(each.iter().map(String::as_str)),
        whole,
        "{text:?} by the character"
    );
    for (at, _) in text.char_indices() {
        let (head, tail) = text.split_at(at);
        assert_eq!(run([head, tail]), whole, "{head:?} | {tail:?}");
    }
}

/// C14
#[test]
fn thinking_is_not_said() {
    for (text, said) in [
        ("<think>The caller wants a cleaning.</think>Sure.", "Sure."),
        (
            "<think>\n\n</think>\n\nSure. Which day?",
            "Sure. Which day?",
        ),
        ("<Thinking>Hm</Thinking> Sure.", "Sure."),
        ("<reasoning effort=\"low\">a < b</reasoning>Sure.", "Sure."),
        (
            "Sure.<think>Now the day.</think>Which day?",
            "Sure. Which day?",
        ),
        ("Sure.<thought>open to the end", "Sure."),
        ("<think>unclosed", ""),
        ("<think", ""),
        ("Sure.</think> Which day?", "Sure. Which day?"),
        ("[THINK]Hm[/THINK]Sure.", "Sure."),
        ("◁think▷Hm◁/think▷Sure.", "Sure."),
        ("thinkThe caller wants a cleaning./thinkSure.", "Sure."),
        (
            "<think>I call look: <tool_call>{\"name\":\"look\"}</tool_call></think>Sure.",
            "Sure.",
        ),
    ] {
        in_every_split(text, said, &[]);
    }
}

/// C14
#[test]
fn of_the_harmony_format_only_the_final_words_are_said() {
    for (text, said) in [
        ("<|channel|>final<|message|>Sure.", "Sure."),
        (
            "<|channel|>analysis<|message|>The caller…<|end|><|start|>assistant<|channel|>final<|message|>Sure.<|return|>",
            "Sure.",
        ),
        (
            "<|start|>assistant<|channel|>analysis<|message|>Hm<|end|>",
            "",
        ),
        ("<|start|>assistant<|message|>Sure.<|end|>", "Sure."),
        (
            "<|channel|>commentary<|message|>Let me look.<|end|>",
            "Let me look.",
        ),
        ("channelfinalmessageSure.", "Sure."),
        ("finalSure.", "Sure."),
        ("\n\nfinalSure.", "Sure."),
        (" analysisHm.assistantfinalSure.", "Sure."),
        (
            "analysisThe caller wants a cleaning.assistantfinalSure.",
            "Sure.",
        ),
        (
            "startassistantchannelanalysismessageHm.endstartassistantchannelfinalmessageSure.",
            "Sure.",
        ),
        ("analysisWe need to look", ""),
        ("<|im_start|>Sure.<|im_end|>", "Sure."),
        ("Sure.<|eot_id|>", "Sure."),
        ("Sure.<｜end▁of▁sentence｜>", "Sure."),
        ("Sure.</s>", "Sure."),
    ] {
        in_every_split(text, said, &[]);
    }
    for text in [
        "<|channel|>commentary to=functions.look <|constrain|>json<|message|>{\"day\":1}<|call|>",
        "<|start|>assistant<|channel|>analysis<|message|>Hm<|end|><|start|>assistant to=functions.look<|channel|>commentary json<|message|>{\"day\":1}<|call|>",
        "assistantcommentary to=functions.look json{\"day\":1}",
        "assistantanalysis to=functions.look code{\"day\":1}call",
        "commentary to=functions.look {\"day\":1}",
        "analysisHm.assistantcommentary to=functions.look json{\"day\":1}",
    ] {
        in_every_split(text, "", &["look({\"day\":1})"]);
    }
}

/// C14
#[test]
fn a_call_written_as_text_is_the_call_that_it_is() {
    let one = "look({\"day\":1})";
    for text in [
        "to=functions.look {\"day\":1}",
        "assistant to=functions.look {\"day\":1}",
        "functions.look({\"day\":1})",
        "functions.look{\"day\":1}",
        "functions.look(day=1)",
        "look({\"day\":1})",
        "look(day=1)",
        "look{\"day\":1}",
        "<tool_call>{\"name\":\"look\",\"arguments\":{\"day\":1}}</tool_call>",
        "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"day\":1}}\n</tool_call>",
        "<tool_call>{\"name\":\"functions.look\",\"parameters\":\"{\\\"day\\\":1}\"}",
        "<tool_call>look\n{\"day\":1}</tool_call>",
        "<function=look>{\"day\":1}</function>",
        "<function_call>{\"name\":\"look\",\"arguments\":{\"day\":1}}</function_call>",
        "<look>{\"day\":1}</look>",
        "[TOOL_CALLS][{\"name\":\"look\",\"arguments\":{\"day\":1}}]",
        "[TOOL_CALLS]look{\"day\":1}",
        "[TOOL_CALLS]look[ARGS]{\"day\":1}",
        "[TOOL_CALL]{\"name\":\"look\",\"arguments\":{\"day\":1}}[/TOOL_CALL]",
        "{\"name\":\"look\",\"arguments\":{\"day\":1}}",
        "{ 'name': 'look', 'arguments': {'day': 1} }",
        "{\"type\":\"function\",\"function\":{\"name\":\"look\",\"parameters\":{\"day\":1}}}",
        "[{\"name\":\"look\",\"arguments\":{\"day\":1}}]",
        "{\"look\":{\"day\":1}}",
        "```json\n{\"name\":\"look\",\"arguments\":{\"day\":1}}\n```",
        "```tool_call\n{\"name\":\"look\",\"arguments\":{\"day\":1}}",
        "```python\nlook(day=1)\n```",
        "<|python_tag|>{\"name\":\"look\",\"parameters\":{\"day\":1}}<|eom_id|>",
        "<|tool_call|>[{\"name\":\"look\",\"arguments\":{\"day\":1}}]<|/tool_call|>",
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.look:0<|tool_call_argument_begin|>{\"day\":1}<|tool_call_end|><|tool_calls_section_end|>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>look\n```json\n{\"day\":1}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        "{\"tool_uses\":[{\"recipient_name\":\"functions.look\",\"parameters\":{\"day\":1}}]}",
        "multi_tool_use.parallel({\"tool_uses\":[{\"recipient_name\":\"functions.look\",\"parameters\":{\"day\":1}}]})",
        "to=multi_tool_use.parallel {\"tool_uses\":[{\"recipient_name\":\"functions.look\",\"parameters\":{\"day\":1}}]}",
    ] {
        in_every_split(text, "", &[one]);
        in_every_split(&format!("Let me look. {text}"), "Let me look.", &[one]);
        // A block that does not end takes along what follows.
        let is_open = text.starts_with("```tool_call") || text.ends_with("}\"}");
        if !is_open {
            let text = format!("Let me look. {text} One moment.");
            in_every_split(&text, "Let me look. One moment.", &[one]);
        }
    }
    in_every_split(
        "<invoke name=\"book_appointment\"><parameter name=\"patient_name\">Maria O'Neil</parameter><parameter name=\"phone\">4155550123</parameter></invoke>",
        "",
        &["book_appointment({\"patient_name\":\"Maria O'Neil\",\"phone\":\"4155550123\"})"],
    );
    in_every_split(
        "<tool_call>look\n<arg_key>day</arg_key>\n<arg_value>Monday</arg_value>\n</tool_call>",
        "",
        &["look({\"day\":\"Monday\"})"],
    );
    in_every_split(
        "<tool_call>\n<function=look>\n<parameter=day>\nMonday\n</parameter>\n</function>\n</tool_call>",
        "",
        &["look({\"day\":\"Monday\"})"],
    );
    in_every_split(
        "{\"name\":\"look\",\"arguments\":{}}\n{\"name\":\"book\",\"arguments\":{}}",
        "",
        &["look({})", "book({})"],
    );
}

/// C14: what is not plain is not run, and not said, either.
#[test]
fn what_is_no_plain_call_is_neither_said_nor_run() {
    for text in [
        "to=functions.findavailable {\"day\":",
        "to=functions.other {\"day\":1}",
        "functions.other({\"day\":1})",
        "functions.delete_all(everything)",
        "<tool_call>{\"name\":\"other\",\"arguments\":{}}</tool_call>",
        "<tool_call>{\"name\":\"look\",\"arguments\":{\"day\":</tool_call>",
        "<tool_call>{\"name\":\"look\",",
        "<tool_response>{\"slots\":[]}</tool_response>",
        "<invoke name=\"other\"><parameter name=\"x\">look</parameter></invoke>",
        "{\"name\":\"look\",\"arguments\":{\"day",
        "{\"slots\":[{\"slot_id\":\"a.b\"}]}",
        "[{\"slot_id\":\"a.b\"}]",
        "```json\n{\"slots\":[]}\n```",
        "```\nlook at this\n```",
        "~~~\ncode\n~~~",
        "```rust\nfn main() {}",
        "[TOOL_CALLS]other{\"day\":1}",
        "[TOOL_RESULTS]{\"a\":1}[/TOOL_RESULTS]",
        "{}",
    ] {
        in_every_split(text, "", &[]);
        in_every_split(&format!("Sure. {text}"), "Sure.", &[]);
    }
}

#[test]
fn what_people_say_comes_out_as_it_is() {
    for text in [
        "Results <5 are normal, and >= 5 are not.",
        "If a < b, then b > a.",
        "x <a and y <b",
        "Maria <maria@example.com> or john_smith@example.com",
        "Use {name} or {your name}.",
        "A brace { alone, and [laughs], [1] and [TOM].",
        "Say \"yes\" or 'no'.",
        "It is to be, to=",
        "Your assistant to the doctor will call.",
        "final answer: we open at nine.",
        "Finally, the analysis is complete.",
        "I think the thinking is over.",
        "Look (or book) a book(s).",
        "Call us: it functions. We start at nine.",
        "The start channel and message end.",
        "`now` and ``then``",
        "O'Neil's 5'4\" patient",
        "See [our page](https://x.test).",
        "Ünïcödé – 10 €, 😀",
        "t",
        "<",
        "{",
        "to",
        "b",
    ] {
        assert_eq!(run([text]), (text.to_owned(), Vec::new()));
        let each: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(
            run(each.iter().map(String::as_str)),
            (text.to_owned(), Vec::new())
        );
    }
    in_every_split(
        "I use book_appointment now.",
        "I use book appointment now.",
        &[],
    );
    in_every_split(
        "<b>Sure</b>, <speak>we open<break time=\"1s\"/>at nine.</speak>",
        "Sure, we open at nine.",
        &[],
    );
    in_every_split("<answer>We open at nine.</answer>", "We open at nine.", &[]);
}

/// Each word is given out with the character behind it, at the latest.
#[test]
fn speech_is_not_held_back() {
    let mut filter = filter();
    let mut said = 0;
    let text = "Good morning, the assistant looks for a free appointment to book. Call back at three, please.";
    for (at, c) in text.char_indices() {
        for piece in filter.push(c.encode_utf8(&mut [0; 4])) {
            let Piece::Text(text) = piece else {
                panic!("{piece:?}")
            };
            said += text.len();
        }
        let held = &text[said..=at];
        let words = held.trim_start().matches(' ').count();
        assert!(
            words == 0 || held.starts_with("assistant "),
            "{held:?} is held back"
        );
    }
}

#[test]
fn machine_text_without_end_is_dropped_and_does_not_grow() {
    let mut filter = filter();
    assert!(filter.push("<think>").is_empty());
    for _ in 0..1000 {
        assert!(filter.push(&"thought ".repeat(100)).is_empty());
        assert!(filter.pending.len() < 1000);
    }
    assert_eq!(filter.push("</think>Sure."), [Piece::Text("Sure.".into())]);
    let mut filter = self::filter();
    for _ in 0..100 {
        filter.push(&"{\"a\":".repeat(1000));
    }
    assert!(filter.pending.len() <= LONGEST + 5000);
    assert!(filter.finish().is_empty());
}

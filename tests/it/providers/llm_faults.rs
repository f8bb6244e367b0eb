//! Refusals, fields that a deployment does not take, answers without words, and dialects near the vendor's, against scripted vendors.

use std::time::Duration;

use neurality::{
    domain::phi::Phi,
    providers::{
        Fault, Vendor as Name,
        llm::{Finish, LlmEvent, LlmRequest, Message, ToolSpec},
    },
};
use serde_json::json;
use tokio::time::Instant;

use super::{
    llm::{ask, asked, pod, request, text, with_azure},
    vendor::{Exchange, Pod, within},
};

const FILTERED: &str =
    r#"{"error":{"message":"Maria","param":"prompt","code":"content_filter","status":400}}"#;

fn with_tools() -> LlmRequest {
    LlmRequest {
        messages: vec![Message::User(Phi::new("Hello".into()))],
        tools: vec![ToolSpec {
            name: "look",
            description: "Looks.",
            parameters: json!({"type": "object"}),
        }],
        cache_key: "tenant".into(),
    }
}

/// B13
#[tokio::test]
async fn a_refusal_of_one_call_holds_no_other_back() {
    for (status, body) in [
        (404, "{}"),
        (401, "{}"),
        (403, "{}"),
        (400, "{}"),
        (400, FILTERED),
    ] {
        let (pod, openai, _) = pod(|_| {}).await;
        let (refused, ()) = tokio::join!(ask(&pod), openai.refuse(status, "", body));
        refused.expect_err("refused");
        let begun = Instant::now();
        let script = async { openai.request().await.answer("Well.").await };
        let (answer, _) = tokio::join!(asked(&pod), script);
        assert_eq!(answer.0, "Well.", "{status}");
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
}

/// B13: also when it was refused so often that others would be asked first.
#[tokio::test]
async fn an_only_vendor_is_asked_however_often_it_has_refused() {
    let (pod, openai, _) = pod(|_| {}).await;
    for _ in 0..7 {
        let (refused, ()) = tokio::join!(ask(&pod), openai.refuse(404, "", "{}"));
        assert_eq!(refused.expect_err("refused").fault, Fault::Refused);
    }
    let script = async { openai.request().await.answer("Well.").await };
    let (answer, _) = tokio::join!(asked(&pod), script);
    assert_eq!(answer.0, "Well.");
}

/// B13: with a second vendor a key that is refused again and again is left alone for a while.
#[tokio::test]
async fn a_key_that_is_always_refused_costs_no_round_trip_for_long() {
    let (pod, openai, azure) = pod(with_azure).await;
    for _ in 0..5 {
        let script = async {
            openai.refuse(401, "", "{}").await;
            azure.request().await.answer("Second.").await;
        };
        let (answer, ()) = tokio::join!(asked(&pod), script);
        assert_eq!(answer.0, "Second.");
    }
    let script = async { azure.request().await.answer("At once.").await };
    let (answer, _) = tokio::join!(asked(&pod), script);
    assert_eq!(answer.0, "At once.");
    assert!(openai.is_left_alone().await);
}

/// B13: an open breaker of an only vendor lets one call through at a time, and all when that one is answered.
#[tokio::test]
async fn an_only_vendor_that_failed_is_probed_by_one_call_at_a_time() {
    let (pod, openai, _) = pod(|config| config.llm_first_token_timeout_ms = 3000).await;
    for _ in 0..2 {
        let script = async {
            for _ in 0..3 {
                openai.refuse(500, "", "").await;
            }
        };
        let (failed, ()) = tokio::join!(ask(&pod), script);
        failed.expect_err("three times");
    }
    let callers = async { tokio::join!(asked(&pod), asked(&pod), asked(&pod)) };
    let script = async {
        let first = openai.request().await;
        assert!(openai.is_left_alone().await, "one at a time");
        first.answer("One.").await;
        // The vendor is well: the others come at once.
        let (second, third) = (openai.request().await, openai.request().await);
        second.answer("Two.").await;
        third.answer("Three.").await;
    };
    let ((one, two, three), ()) = tokio::join!(callers, script);
    let mut said = [one.0, two.0, three.0];
    said.sort();
    assert_eq!(said, ["One.", "Three.", "Two."]);
}

async fn end(exchange: &mut Exchange, reason: &str) {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
    exchange
        .chunk(&format!("data: {end}\n\ndata: [DONE]\n\n"))
        .await;
}

/// C18, C16, C44
#[tokio::test]
async fn an_answer_without_a_word_leads_to_the_next_vendor() {
    for (said, reason) in [
        ("", "length"),
        ("", "stop"),
        ("...", "stop"),
        ("😀", "length"),
        ("<think>Hm", "length"),
        ("", "content_filter"),
    ] {
        let (pod, openai, azure) = pod(with_azure).await;
        let script = async {
            let mut exchange = openai.request().await;
            exchange.begin().await;
            exchange.says(said).await;
            end(&mut exchange, reason).await;
            azure.request().await.answer("Second.").await;
        };
        let (answer, ()) = tokio::join!(asked(&pod), script);
        assert_eq!(answer, ("Second.".into(), Finish::Stop), "{said} {reason}");
    }
}

/// C18
#[tokio::test]
async fn an_only_vendor_is_asked_again_for_words() {
    let (pod, openai, _) = pod(|_| {}).await;
    let script = async {
        let mut exchange = openai.request().await;
        exchange.begin().await;
        end(&mut exchange, "length").await;
        openai.request().await.answer("Now.").await;
    };
    let (answer, ()) = tokio::join!(asked(&pod), script);
    assert_eq!(answer.0, "Now.");
    pod.all_tasks_end().await;
    let empty = r#"neurality_provider_calls_total{kind="llm",result="empty",vendor="openai"}"#;
    assert_eq!(pod.metric(empty), 1.0);
}

/// C16
#[tokio::test]
async fn a_filtered_prompt_goes_to_the_next_vendor_and_is_known_if_there_is_none() {
    let (two, openai, azure) = pod(with_azure).await;
    let script = async {
        openai.refuse(400, "", FILTERED).await;
        azure.request().await.answer("Second.").await;
    };
    let (answer, ()) = tokio::join!(asked(&two), script);
    assert_eq!(answer.0, "Second.");
    let (one, openai, _) = pod(|_| {}).await;
    let (answer, ()) = tokio::join!(ask(&one), openai.refuse(400, "", FILTERED));
    let error = answer.expect_err("filtered");
    assert_eq!(error.fault, Fault::Filtered);
    assert!(error.is_of_request() && !format!("{error:?}").contains("Maria"));
}

/// C16, C18: what was cut in the middle is asked for at another vendor first.
#[tokio::test]
async fn who_cut_an_answer_is_asked_for_its_rest_after_the_others() {
    let (pod, openai, azure) = pod(with_azure).await;
    let script = async {
        azure.refuse(500, "", "").await;
        openai.request().await.answer("First.").await;
    };
    let client = async {
        let elsewhere = pod.providers.llm.reply_elsewhere(request(), Name::OpenAi);
        let mut stream = within(elsewhere).await.expect("begins");
        (stream.vendor, text(&mut stream).await.0)
    };
    let (answer, ()) = tokio::join!(client, script);
    assert_eq!(answer, (Name::OpenAi, "First.".into()));
}

/// C34
#[tokio::test]
async fn a_field_that_a_deployment_refuses_is_left_out_from_then_on() {
    for (field, status, refusal) in [
        (
            "store",
            400,
            r#"{"error":{"message":"Unrecognized request argument supplied: store","param":null,"code":null}}"#,
        ),
        (
            "prompt_cache_key",
            400,
            r#"{"error":{"message":"Unknown parameter: 'prompt_cache_key'.","param":"prompt_cache_key","code":"unknown_parameter"}}"#,
        ),
        (
            "stream_options",
            422,
            r#"{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}"#,
        ),
    ] {
        let (pod, openai, _) = pod(|_| {}).await;
        let script = async {
            let first = openai.request().await;
            assert!(first.body.get(field).is_some(), "{field}");
            first.refuse(status, "", refusal).await;
            let second = openai.request().await;
            assert!(second.body.get(field).is_none(), "{field}");
            second.answer("One.").await;
        };
        let (answer, ()) = tokio::join!(asked(&pod), script);
        assert_eq!(answer.0, "One.", "{field}");
        let script = async {
            let exchange = openai.request().await;
            assert!(exchange.body.get(field).is_none(), "{field}");
            exchange.answer("Two.").await;
        };
        let (answer, ()) = tokio::join!(asked(&pod), script);
        assert_eq!(answer.0, "Two.", "{field}");
    }
}

/// C34: what cannot be left out is refused once.
#[tokio::test]
async fn a_request_that_is_wrong_is_not_sent_again() {
    let (pod, openai, _) = pod(|_| {}).await;
    let refusal = r#"{"error":{"message":"Invalid 'messages[0].content'","param":"messages[0].content","code":"invalid_type"}}"#;
    let (answer, ()) = tokio::join!(ask(&pod), openai.refuse(400, "", refusal));
    assert_eq!(answer.expect_err("refused").fault, Fault::BadRequest);
    assert!(openai.is_left_alone().await);
}

async fn replied(pod: &Pod) -> String {
    let mut stream = within(pod.providers.llm.reply(with_tools()))
        .await
        .expect("begins");
    text(&mut stream).await.0
}

/// C35
#[tokio::test]
async fn parallel_calls_are_not_asked_of_who_does_not_know_them() {
    let (thinking, openai, _) = pod(|config| config.openai.model = "o4-mini".into()).await;
    let script = async {
        let exchange = openai.request().await;
        assert!(exchange.body.get("parallel_tool_calls").is_none());
        assert_eq!(exchange.body["reasoning_effort"], json!("low"));
        assert!(exchange.body["max_completion_tokens"].as_u64() >= Some(4000));
        exchange.answer("Hi.").await;
    };
    let (answer, ()) = tokio::join!(replied(&thinking), script);
    assert_eq!(answer, "Hi.");
    // A deployment whose name does not tell.
    let (unknown, openai, _) = pod(|config| config.openai.model = "prod".into()).await;
    let refusal = r#"{"error":{"message":"Unsupported parameter: 'parallel_tool_calls' is not supported with this model.","type":"invalid_request_error","param":"parallel_tool_calls","code":"unsupported_parameter"}}"#;
    let script = async {
        let first = openai.request().await;
        assert_eq!(first.body["parallel_tool_calls"], json!(true));
        first.refuse(400, "", refusal).await;
        let second = openai.request().await;
        assert!(second.body.get("parallel_tool_calls").is_none());
        second.answer("Hi.").await;
    };
    let (answer, ()) = tokio::join!(replied(&unknown), script);
    assert_eq!(answer, "Hi.");
}

/// C19
#[tokio::test]
async fn a_reply_in_a_near_dialect_is_read() {
    let whole = r#"{"id":"x","choices":[{"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}],"usage":{"prompt_tokens":null}}"#;
    let events = concat!(
        "\u{feff}:busy\r\n\r\n",
        "data:{\"choices\":null}\r\n\r\n",
        "data: null\r\n\r\n",
        "data:{\"choices\":[{\"index\":null,\"delta\":{\"content\":\"H\"},\"finish_reason\":\"stop\"}]}\r\n",
        "data:{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"i.\"}]},\"finish_reason\":\"\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":null}}\r\n\r\n",
    );
    for body in [whole, events] {
        let (pod, openai, _) = pod(|_| {}).await;
        let (answer, ()) = tokio::join!(asked(&pod), openai.refuse(200, "", body));
        assert_eq!(answer, ("Hi.".into(), Finish::Stop));
        pod.all_tasks_end().await;
    }
}

/// C19: a server that says why it ends in every chunk, and then keeps the line open without a word.
#[tokio::test]
async fn a_reply_whose_end_is_not_announced_is_over_after_a_silence() {
    let (pod, openai, _) = pod(|config| config.llm_first_token_timeout_ms = 3000).await;
    let script = async {
        let mut exchange = openai.request().await;
        exchange.begin().await;
        for said in ["Good ", "morning."] {
            let chunk = json!({"choices": [{"index": 0, "delta": {"content": said}, "finish_reason": "stop"}]});
            exchange.chunk(&format!("data: {chunk}\n\n")).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        exchange
    };
    let (answer, _open) = tokio::join!(asked(&pod), script);
    assert_eq!(answer, ("Good morning.".into(), Finish::Stop));
}

/// C14, C08: text for machines is not said, and a call in it is made under its tool's name.
#[tokio::test]
async fn machine_text_is_not_said_and_its_call_is_made() {
    let (pod, openai, _) = pod(|_| {}).await;
    let script = async {
        let mut exchange = openai.request().await;
        exchange.begin().await;
        for said in [
            "<thi",
            "nk>Hm.</think>Let me look. to=func",
            "tions.look {\"day\"",
            ":1}",
        ] {
            exchange.says(said).await;
        }
        end(&mut exchange, "stop").await;
        exchange
    };
    let client = async {
        let mut stream = within(pod.providers.llm.reply(with_tools()))
            .await
            .expect("begins");
        let (mut said, mut calls, mut ends) = (String::new(), Vec::new(), Vec::new());
        while let Some(event) = within(stream.events.recv()).await {
            match event {
                LlmEvent::Text(text) => said += text.expose(),
                LlmEvent::ToolCall(call) => calls.push((call.name, call.arguments.into_exposed())),
                LlmEvent::Done(finish) => ends.push(finish),
                LlmEvent::Failed(error) => panic!("{error}"),
            }
        }
        (said.trim().to_owned(), calls, ends)
    };
    let ((said, calls, ends), _open) = tokio::join!(client, script);
    assert_eq!(said, "Let me look.");
    assert_eq!(calls, [("look".to_owned(), "{\"day\":1}".to_owned())]);
    assert_eq!(ends, [Finish::ToolCalls]);
}

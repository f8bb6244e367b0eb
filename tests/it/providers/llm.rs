//! The language models and their fallback against scripted vendors.

use std::time::Duration;

use neurality::{
    config::{LlmVendor, ProvidersConfig},
    domain::phi::Phi,
    providers::{
        Fault, ProviderError, Vendor as Name,
        llm::{Finish, LlmEvent, LlmRequest, LlmStream, Message},
    },
};
use serde_json::json;
use tokio::time::Instant;

use super::vendor::{Pod, Vendor, config, within};

pub(super) fn request() -> LlmRequest {
    LlmRequest {
        messages: vec![Message::User(Phi::new("Hello".into()))],
        tools: Vec::new(),
        cache_key: "tenant".into(),
    }
}

/// One vendor, or two with Azure as the second.
pub(super) async fn pod(change: impl FnOnce(&mut ProvidersConfig)) -> (Pod, Vendor, Vendor) {
    let (openai, azure) = (Vendor::new().await, Vendor::new().await);
    let mut config = config();
    config.openai.base_url = openai.url("http").join("v1/").expect("url");
    config.azure.base_url = azure.url("http");
    change(&mut config);
    (Pod::new(&config), openai, azure)
}

pub(super) fn with_azure(config: &mut ProvidersConfig) {
    config.llm = vec![LlmVendor::OpenAi, LlmVendor::Azure];
}

pub(super) async fn text(stream: &mut LlmStream) -> (String, Result<Finish, ProviderError>) {
    let mut text = String::new();
    loop {
        match within(stream.events.recv()).await.expect("an event") {
            LlmEvent::Text(piece) => text += piece.expose(),
            LlmEvent::Done(finish) => return (text, Ok(finish)),
            LlmEvent::Failed(error) => return (text, Err(error)),
            LlmEvent::ToolCall(call) => panic!("{call:?}"),
        }
    }
}

pub(super) async fn ask(
    pod: &Pod,
) -> Result<(String, Result<Finish, ProviderError>), ProviderError> {
    let mut stream = pod.providers.llm.reply(request()).await?;
    Ok(text(&mut stream).await)
}

pub(super) async fn asked(pod: &Pod) -> (String, Finish) {
    let (text, finish) = ask(pod).await.expect("an answer");
    (text, finish.expect("a whole answer"))
}

#[tokio::test]
async fn two_replies_use_one_connection_and_nothing_is_stored() {
    let (pod, vendor, _) = pod(|_| {}).await;
    let script = async {
        let exchange = vendor.request().await;
        assert!(
            exchange
                .head
                .starts_with("post /v1/chat/completions http/1.1")
        );
        assert!(exchange.head.contains("authorization: bearer key-o"));
        assert_eq!(exchange.body["store"], json!(false));
        assert_eq!(exchange.body["messages"][0]["content"], json!("Hello"));
        let again = exchange.answer("One.").await.request().await;
        again.answer("Two.").await;
    };
    let client = async {
        assert_eq!(asked(&pod).await, ("One.".into(), Finish::Stop));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(asked(&pod).await, ("Two.".into(), Finish::Stop));
    };
    tokio::join!(script, client);
    pod.all_tasks_end().await;
    let ok = r#"neurality_provider_calls_total{kind="llm",result="ok",vendor="openai"}"#;
    assert_eq!(pod.metric(ok), 2.0);
}

#[tokio::test]
async fn azure_is_asked_in_its_own_way() {
    let (pod, _, azure) = pod(|config| config.llm = vec![LlmVendor::Azure]).await;
    let script = async {
        let exchange = azure.request().await;
        let path = "post /openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21 ";
        assert!(exchange.head.starts_with(path), "{}", exchange.head);
        assert!(exchange.head.contains("api-key: key-a"));
        for field in ["model", "store", "prompt_cache_key"] {
            assert!(exchange.body.get(field).is_none(), "{field}");
        }
        exchange.answer("Hi.").await;
    };
    let ((), answer) = tokio::join!(script, asked(&pod));
    assert_eq!(answer.0, "Hi.");
}

/// Whatever the first vendor does before its first word, the second one answers.
#[tokio::test]
async fn before_the_first_word_every_failure_leads_to_the_next_vendor() {
    let quota = r#"{"error":{"code":"insufficient_quota","message":"Maria"}}"#;
    let statuses = [
        (429, "retry-after: 60\r\n", "{}"),
        (429, "", quota),
        (401, "", "{}"),
        (500, "", "Maria"),
        (400, "", "{}"),
    ];
    for (status, headers, body) in statuses {
        let (pod, openai, azure) = pod(with_azure).await;
        let script = async {
            openai.refuse(status, headers, body).await;
            azure.request().await.answer("Second.").await;
        };
        let (answer, ()) = tokio::join!(asked(&pod), script);
        assert_eq!(answer.0, "Second.", "{status}");
    }
    let events = [
        Some("data: {\"error\":{\"code\":\"server_error\",\"message\":\"Maria\"}}\n\n"),
        Some(
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        ),
        Some(": processing\n\n"),
        Some("data: {nonsense\n\n"),
        None,
    ];
    for event in events {
        let (pod, openai, azure) = pod(with_azure).await;
        let script = async {
            let mut exchange = openai.request().await;
            if let Some(event) = event {
                exchange.begin().await;
                exchange.chunk(event).await;
            }
            azure.request().await.answer("Second.").await;
            drop(exchange);
        };
        let (answer, ()) = tokio::join!(asked(&pod), script);
        assert_eq!(answer.0, "Second.", "{event:?}");
    }
}

#[tokio::test]
async fn after_the_first_word_a_failure_is_passed_on() {
    let error = "data: {\"error\":{\"code\":\"server_error\",\"message\":\"Maria\"}}\n\n";
    for (event, stays, fault) in [
        (Some(error), true, Fault::Unavailable),
        (Some("data: {nonsense\n\n"), true, Fault::Protocol),
        (None, false, Fault::Unavailable),
        (None, true, Fault::Timeout),
    ] {
        let (pod, openai, azure) = pod(with_azure).await;
        let script = async {
            let mut exchange = openai.request().await;
            exchange.begin().await;
            exchange.says("I can ").await;
            if let Some(event) = event {
                exchange.chunk(event).await;
            }
            stays.then_some(exchange)
        };
        let (answer, _exchange) = tokio::join!(ask(&pod), script);
        let (text, end) = answer.expect("begins");
        let end = end.expect_err("breaks off");
        assert_eq!((text.as_str(), end.fault), ("I can ", fault), "{event:?}");
        assert_eq!(end.vendor, Name::OpenAi);
        assert!(!format!("{end:?}").contains("Maria"));
        assert!(azure.is_left_alone().await);
        pod.all_tasks_end().await;
    }
}

#[tokio::test]
async fn a_complete_reply_without_its_done_is_complete() {
    let (pod, openai, _) = pod(|_| {}).await;
    let script = async {
        let mut exchange = openai.request().await;
        exchange.begin().await;
        exchange.says("All.").await;
        let end = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
        exchange.chunk(&format!("data: {end}\n\n")).await;
    };
    let (answer, ()) = tokio::join!(asked(&pod), script);
    assert_eq!(answer, ("All.".into(), Finish::Stop));
    pod.all_tasks_end().await;
}

#[tokio::test]
async fn a_single_vendor_is_asked_again_as_it_wishes() {
    let (pod, openai, _) = pod(|_| {}).await;
    let script = async {
        openai.refuse(429, "retry-after-ms: 400\r\n", "{}").await;
        let refused = Instant::now();
        openai.request().await.answer("Now.").await;
        refused.elapsed()
    };
    let (answer, waited) = tokio::join!(asked(&pod), script);
    assert_eq!(answer.0, "Now.");
    assert!(waited >= Duration::from_millis(390), "{waited:?}");
}

#[tokio::test]
async fn nobody_waits_longer_than_a_caller_would() {
    let (pod, openai, _) = pod(|_| {}).await;
    let begun = Instant::now();
    let refused = openai.refuse(429, "retry-after: 20\r\n", "{}");
    let (answer, ()) = tokio::join!(ask(&pod), refused);
    let fault = answer.expect_err("no answer").fault;
    assert_eq!(fault, Fault::RateLimited(Some(Duration::from_secs(20))));
    assert!(begun.elapsed() < Duration::from_secs(10));
    // The other calls of the pod know it, too: nobody asks in vain.
    assert!(ask(&pod).await.is_err());
    assert!(openai.is_left_alone().await);
    assert_eq!(
        pod.metric(r#"neurality_provider_breaker_open{vendor="openai"}"#),
        1.0
    );
}

#[tokio::test]
async fn the_whole_search_has_a_deadline() {
    let (pod, openai, azure) = pod(|config| {
        with_azure(config);
        config.llm_first_token_timeout_ms = 600;
        config.llm_total_timeout_ms = 1000;
    })
    .await;
    let begun = Instant::now();
    let script = async { (openai.request().await, azure.request().await) };
    let (answer, _hang) = tokio::join!(ask(&pod), script);
    assert_eq!(answer.expect_err("no answer").fault, Fault::Timeout);
    let took = begun.elapsed().as_secs_f64();
    assert!((0.9..5.0).contains(&took), "{took} s");
}

#[tokio::test]
async fn a_broken_vendor_is_left_alone_after_a_while() {
    let (pod, openai, azure) = pod(with_azure).await;
    for _ in 0..5 {
        let script = async {
            openai.refuse(500, "", "").await;
            azure.request().await.answer("Second.").await;
        };
        let (answer, ()) = tokio::join!(asked(&pod), script);
        assert_eq!(answer.0, "Second.");
    }
    let begun = Instant::now();
    let script = async { azure.request().await.answer("At once.").await };
    let (answer, _) = tokio::join!(asked(&pod), script);
    assert_eq!(answer.0, "At once.");
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(openai.is_left_alone().await);
}

#[tokio::test]
async fn a_reply_that_is_dropped_is_cancelled_at_the_vendor() {
    let (pod, openai, _) = pod(|_| {}).await;
    let script = async {
        let mut exchange = openai.request().await;
        exchange.begin().await;
        exchange.says("I").await;
        exchange
    };
    let (stream, exchange) = tokio::join!(pod.providers.llm.reply(request()), script);
    drop(stream.expect("begins"));
    assert!(exchange.hung_up().await);
    pod.all_tasks_end().await;
}

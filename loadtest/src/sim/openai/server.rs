//! The HTTP side: keys, faults, streaming.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use uuid::Uuid;

use super::{
    answer::Answer,
    brain,
    chunks::{Frame, deltas, usage},
    refusal::Refusal,
    request::ChatRequest,
};
use crate::sim::{
    fault::{Armed, FaultKind, Service, extra_delay, hangs, refusal},
    state::{Place, Shared, unix_ms},
    streaming,
};

const FAR: Duration = Duration::from_secs(24 * 3_600);

/// `POST /v1/chat/completions`.
pub(super) async fn openai(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let keys = &shared.config.llm.api_keys;
    let admitted = if bearer(&headers).is_some_and(|key| keys.iter().any(|k| k == key)) {
        Ok(None)
    } else {
        Err(Refusal::key())
    };
    complete(shared.clone(), Service::Llm, &[], &headers, &body, admitted).await
}

/// `POST /openai/deployments/{deployment}/chat/completions?api-version=…`.
pub(super) async fn azure(
    State(shared): State<Arc<Shared>>,
    Path(deployment): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
    let config = &shared.config.llm;
    let key = headers
        .get("api-key")
        .and_then(|v| v.to_str().ok())
        .or_else(|| bearer(&headers));
    let admitted = if !key.is_some_and(|key| config.azure_api_keys.iter().any(|k| k == key)) {
        Err(Refusal::azure_key())
    } else if !query
        .iter()
        .any(|(name, value)| name == "api-version" && !value.is_empty())
    {
        Err(Refusal::api_version())
    } else if !config.azure_deployments.is_empty()
        && !config.azure_deployments.contains(&deployment)
    {
        Err(Refusal::deployment())
    } else {
        Ok(Some(deployment))
    };
    complete(
        shared.clone(),
        Service::Azure,
        &query,
        &headers,
        &body,
        admitted,
    )
    .await
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

/// One request with all that was decided about it.
struct Job {
    shared: Arc<Shared>,
    service: Service,
    stream: u64,
    rng: StdRng,
    request: ChatRequest,
    frame: Frame,
    answer: Answer,
    armed: Vec<Armed>,
    started: Instant,
}

async fn complete(
    shared: Arc<Shared>,
    service: Service,
    query: &[(String, String)],
    headers: &HeaderMap,
    body: &[u8],
    admitted: Result<Option<String>, Refusal>,
) -> Response {
    let started = Instant::now();
    let stream = shared.request(service, query, headers);
    let mut armed = shared.faults.on_request(service);
    let ordered =
        refusal(&mut armed).map(|(status, code, retry)| Refusal::ordered(status, code, retry));
    let request = match ordered {
        Some(refusal) => Err(refusal),
        None => admitted.and_then(|deployment| {
            Ok((
                read(&shared, stream, body, deployment.is_some())?,
                deployment,
            ))
        }),
    };
    if hangs(&armed) {
        sleep(FAR).await;
    }
    let mut response = match request {
        Ok((request, deployment)) => {
            let job = Job::new(
                shared.clone(),
                service,
                stream,
                request,
                deployment,
                armed,
                started,
            );
            if job.request.stream {
                job.streamed()
            } else {
                job.whole().await
            }
        }
        Err(refusal) => {
            shared.refused(service);
            refusal.into_response()
        }
    };
    stamp(response.headers_mut(), &shared, stream, started);
    response
}

fn read(shared: &Shared, stream: u64, body: &[u8], azure: bool) -> Result<ChatRequest, Refusal> {
    let body: Value = serde_json::from_slice(body).map_err(|e| {
        Refusal::invalid(
            "",
            format!("We could not parse the JSON body of your request: {e}"),
        )
    })?;
    shared.llm_body(stream, &body);
    let request = ChatRequest::parse(&body)?;
    // On Azure the deployment names the model.
    if !azure {
        let model = request.model()?;
        let known = &shared.config.llm.models;
        if !known.is_empty() && !known.iter().any(|m| m == model) {
            return Err(Refusal::model(model));
        }
    }
    Ok(request)
}

fn stamp(headers: &mut HeaderMap, shared: &Shared, stream: u64, started: Instant) {
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let limit = shared.config.llm.requests_per_minute;
    set("x-request-id", format!("req_{stream:032x}"));
    set("openai-version", "2020-10-01".into());
    set("openai-organization", "simulated".into());
    set(
        "openai-processing-ms",
        started.elapsed().as_millis().to_string(),
    );
    set("x-ratelimit-limit-requests", limit.to_string());
    set(
        "x-ratelimit-remaining-requests",
        limit.saturating_sub(1).to_string(),
    );
    set("x-ratelimit-reset-requests", "6ms".into());
}

impl Job {
    fn new(
        shared: Arc<Shared>,
        service: Service,
        stream: u64,
        request: ChatRequest,
        deployment: Option<String>,
        armed: Vec<Armed>,
        started: Instant,
    ) -> Self {
        let mut rng = shared.rng(stream);
        let mut answer = brain::answer(&request, &mut rng);
        spoil(&mut answer, &armed);
        shared.said(stream, service, &summary(&answer));
        let options = request.stream_options.clone().unwrap_or_default();
        let azure = deployment.is_some();
        let frame = Frame {
            id: format!("chatcmpl-{}", Uuid::from_u128(rng.random()).simple()),
            model: deployment
                .or_else(|| request.model.clone())
                .unwrap_or_default(),
            created: (unix_ms() / 1_000) as i64,
            include_usage: options.include_usage,
            obfuscation: options.include_obfuscation.unwrap_or(!azure),
            azure,
        };
        Self {
            shared,
            service,
            stream,
            rng,
            request,
            frame,
            answer,
            armed,
            started,
        }
    }

    fn ttft(&mut self) -> Duration {
        let ttft = self.shared.config.llm.ttft.sample(&mut self.rng) + extra_delay(&self.armed);
        self.shared.delayed(self.stream, self.service, "ttft", ttft);
        ttft
    }

    async fn whole(mut self) -> Response {
        let writing: Duration = (0..self.answer.tokens())
            .map(|_| self.shared.config.llm.token_gap.sample(&mut self.rng))
            .sum();
        sleep_until(self.started + self.ttft() + writing).await;
        let choice = json!({"index": 0, "message": self.answer.message(), "logprobs": null, "finish_reason": self.answer.finish_reason()});
        Json(json!({
            "id": self.frame.id, "object": "chat.completion", "created": self.frame.created, "model": self.frame.model,
            "service_tier": "default", "system_fingerprint": "fp_simulated", "choices": [choice],
            "usage": usage(self.request.prompt_tokens(), self.answer.tokens()),
        }))
        .into_response()
    }

    fn streamed(self) -> Response {
        let (sender, body) = streaming::body();
        let place = self.shared.open(self.service, usize::MAX, Duration::ZERO);
        let (tasks, stop) = (self.shared.tasks.clone(), self.shared.stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = self.write(sender, place) => {}
                () = stop.cancelled() => {}
            }
        });
        let mut response = Response::new(body);
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream; charset=utf-8"),
        );
        response
    }

    async fn write(mut self, sender: mpsc::Sender<io::Result<Bytes>>, _place: Option<Place>) {
        let ttft = self.ttft();
        let mut out = Writer {
            sender,
            split: self.shared.config.llm.split_events,
            clock: self.started,
        };
        if self.frame.azure && !out.event(&mut self.rng, &Frame::azure_prelude()).await {
            return;
        }
        out.clock += ttft;
        let begun = out.clock;
        let all = deltas(
            &self.answer,
            &mut self.rng,
            self.shared.config.llm.max_fragment,
        );
        for delta in all {
            sleep_until(out.clock).await;
            if !self.trouble(&mut out, begun).await {
                return;
            }
            let chunk = self.frame.chunk(&mut self.rng, delta, None);
            if !out.event(&mut self.rng, &chunk).await {
                return;
            }
            out.clock += self.shared.config.llm.token_gap.sample(&mut self.rng);
        }
        if self.trouble(&mut out, begun).await {
            self.finish(out).await;
        }
    }

    async fn finish(&mut self, mut out: Writer) {
        let last = self
            .frame
            .chunk(&mut self.rng, json!({}), Some(self.answer.finish_reason()));
        if !out.event(&mut self.rng, &last).await {
            return;
        }
        if self.frame.include_usage {
            let chunk = self.frame.usage_chunk(
                &mut self.rng,
                self.request.prompt_tokens(),
                self.answer.tokens(),
            );
            if !out.event(&mut self.rng, &chunk).await {
                return;
            }
        }
        out.raw(Bytes::from_static(b"data: [DONE]\n\n")).await;
    }

    /// The faults that are due. False if the stream is over.
    async fn trouble(&mut self, out: &mut Writer, begun: Instant) -> bool {
        let now = Instant::now();
        while let Some(at) = self.armed.iter().position(|a| begun + a.after <= now) {
            match self.armed.swap_remove(at).kind {
                FaultKind::Cut => {
                    out.fail().await;
                    return false;
                }
                FaultKind::ErrorEvent { message, code } => {
                    let error = json!({"error": {"message": message, "type": "server_error", "param": null, "code": code}});
                    out.event(&mut self.rng, &error).await;
                    return false;
                }
                FaultKind::Stall { ms } => {
                    sleep(ms.map_or(FAR, Duration::from_millis)).await;
                    out.clock = Instant::now();
                }
                _ => {}
            }
        }
        true
    }
}

/// Faults of the answer itself.
fn spoil(answer: &mut Answer, armed: &[Armed]) {
    let ordered = |kind: &FaultKind| armed.iter().any(|a| a.kind == *kind);
    let cut = ordered(&FaultKind::LengthCut);
    if !cut && !ordered(&FaultKind::BadArguments) {
        return;
    }
    for call in &mut answer.calls {
        let half = (0..=call.arguments.len() / 2)
            .rfind(|&i| call.arguments.is_char_boundary(i))
            .unwrap_or(0);
        call.arguments.truncate(half);
        if !cut {
            call.arguments.push_str("]]");
        }
    }
    answer.cut_short = cut;
}

fn summary(answer: &Answer) -> String {
    let calls = answer
        .calls
        .iter()
        .map(|c| format!("{}({})", c.name, c.arguments));
    answer
        .content
        .iter()
        .cloned()
        .chain(calls)
        .collect::<Vec<_>>()
        .join(" ")
}

struct Writer {
    sender: mpsc::Sender<io::Result<Bytes>>,
    /// Share of events written in two pieces.
    split: f64,
    /// When the next event is due.
    clock: Instant,
}

impl Writer {
    /// False if the client is gone.
    async fn event(&mut self, rng: &mut StdRng, value: &Value) -> bool {
        let bytes = Bytes::from(format!("data: {value}\n\n"));
        if !rng.random_bool(self.split.clamp(0.0, 1.0)) {
            return self.raw(bytes).await;
        }
        let at = rng.random_range(1..bytes.len());
        self.raw(bytes.slice(..at)).await && {
            tokio::task::yield_now().await;
            self.raw(bytes.slice(at..)).await
        }
    }

    async fn raw(&mut self, bytes: Bytes) -> bool {
        self.sender.send(Ok(bytes)).await.is_ok()
    }

    async fn fail(&mut self) {
        let broken = io::Error::new(io::ErrorKind::ConnectionReset, "cut by order");
        if self.sender.send(Err(broken)).await.is_err() {
            tracing::debug!("the client left before the ordered cut");
        }
    }
}

"""What the dashboards show: a panel is a title, PromQL with legends, and a unit. build.py turns it into Grafana's JSON.

Queries use only metrics of docs/METRICS.md, which `make test-k8s` checks against a Prometheus that scrapes real processes. Every gateway exports
the pool's state as Redis holds it: max, never sum.
"""

N = 'namespace=~"$namespace"'


def quantiles(metric, *by):
    """p50, p95 and p99 of a histogram."""
    labels = ", ".join(("le",) + by)
    legend = " ".join("{{" + label + "}}" for label in by)
    return [
        (
            f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{{N}}}[$__rate_interval])))",
            f"p{round(q * 100)} {legend}".strip(),
        )
        for q in (0.5, 0.95, 0.99)
    ]


def quantile(q, metric, *by):
    labels = ", ".join(("le",) + by)
    return (
        f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{{N}}}[$__rate_interval])))",
        " ".join("{{" + label + "}}" for label in by),
    )


def rates(metric, *by, matchers=""):
    labels = ", ".join(by)
    return (
        f"sum by ({labels}) (rate({metric}{{{N}{matchers}}}[$__rate_interval]))",
        " ".join("{{" + label + "}}" for label in by),
    )


def highest(metric, *by):
    grouping = f" by ({', '.join(by)})" if by else ""
    return (f"max{grouping} ({metric}{{{N}}})", " ".join("{{" + label + "}}" for label in by))


def ratio(metric, bad, of=None):
    rate = "sum(rate({}{{{}{}}}[$__rate_interval]))"
    of = "" if of is None else f",{of}"
    return f"{rate.format(metric, N, ',' + bad)} / {rate.format(metric, N, of)}"


def row(title):
    return {"row": title}


def graph(title, queries, unit="short", width=8, limits=(), about="", stack=False):
    """Lines over time; `limits` are drawn as thresholds, such as the latency budgets of the design."""
    return {
        "title": title,
        "queries": queries,
        "unit": unit,
        "width": width,
        "limits": limits,
        "about": about,
        "stack": stack,
        "type": "timeseries",
    }


def stat(title, query, unit="short", width=4, limits=(), about=""):
    return {
        "title": title,
        "queries": [(query, "")],
        "unit": unit,
        "width": width,
        "limits": limits,
        "about": about,
        "type": "stat",
    }


def heat(title, metric, width=12, about=""):
    query = (f"sum by (le) (increase({metric}_bucket{{{N}}}[$__rate_interval]))", "{{le}}")
    return {
        "title": title,
        "queries": [query],
        "unit": "s",
        "width": width,
        "limits": (),
        "about": about,
        "type": "heatmap",
    }


LATENCY = [
    row("What the caller waits"),
    graph(
        "Turn latency",
        quantiles("neurality_turn_latency_seconds"),
        "s",
        12,
        (1.1, 1.4),
        "End of the caller's speech to the agent's first frame. Budgets: p50 1.1 s, p95 1.4 s.",
    ),
    heat("Turns by latency", "neurality_turn_latency_seconds"),
    graph(
        "First byte of speech",
        [quantile(q, "neurality_turn_stage_seconds", "stage") for q in (0.95,)],
        "s",
        12,
        (0.9,),
        "p95 of each stage of a turn. Budget of ttfb: 0.9 s.",
    ),
    graph(
        "Our own share",
        [
            (q.replace(f"{{{N}}}", f'{{{N},stage="own"}}'), legend)
            for q, legend in quantiles("neurality_turn_stage_seconds")
        ],
        "s",
        6,
        (0.05,),
        "Without endpointing and the vendors. Budget: p95 50 ms.",
    ),
    graph(
        "Barge-in",
        quantiles("neurality_barge_in_seconds"),
        "s",
        6,
        (0.3,),
        "Caller's speech over the agent to the agent's silence. Budget: p95 0.3 s.",
    ),
    row("Before the first word"),
    graph(
        "POST /voice",
        quantiles("neurality_voice_request_seconds"),
        "s",
        12,
        (1,),
        "Twilio gives up at 15 s; we answer within 1 s.",
    ),
    graph("Oldest waiting call", [highest("neurality_queue_oldest_wait_seconds")], "s", 12, (10,)),
    row("Inside a worker"),
    graph("Tools", quantiles("neurality_tool_duration_seconds"), "s", 12),
    graph(
        "Voice-activity inference",
        quantiles("neurality_vad_inference_seconds"),
        "s",
        12,
        (),
        "One batch. A window comes every 32 ms.",
    ),
]

CALLS = [
    row("Now"),
    stat("Calls", f"sum(neurality_calls_active{{{N}}})"),
    stat("Waiting", f"max(neurality_queue_waiting_calls{{{N}}})", limits=(10,)),
    stat("Calls today", f"sum(increase(neurality_calls_total{{{N}}}[24h]))"),
    stat("Failed today", f'sum(increase(neurality_calls_total{{{N},outcome="failed"}}[24h]))', limits=(1,)),
    stat(
        "Given up today",
        f"sum(increase(neurality_calls_given_up_total{{{N}}}[24h]))",
        limits=(1,),
        about="No worker took them by the ring deadline: the clinic's fallback was spoken.",
    ),
    stat("Artifacts waiting", f"max(neurality_artifacts_parked{{{N}}})", limits=(1,)),
    row("Over time"),
    graph(
        "Calls",
        [(f"sum(neurality_calls_active{{{N}}})", "served"), (f"max(neurality_queue_waiting_calls{{{N}}})", "waiting")],
        "short",
        12,
    ),
    graph("Outcomes", [rates("neurality_calls_total", "outcome")], "cps", 12, stack=True),
    graph(
        "Admissions",
        [rates("neurality_admissions_total", "result")],
        "cps",
        12,
        stack=True,
        about="Voice webhooks, by decision.",
    ),
    graph("Length of calls", quantiles("neurality_call_duration_seconds"), "s", 12),
    graph(
        "Transfers to a person",
        [rates("neurality_transfers_total", "result")],
        "cps",
        12,
        stack=True,
        about="By what became of them; `no_answer` and `declined` callers are back with the agent.",
    ),
    row("What calls leave behind"),
    graph("Tool calls", [rates("neurality_tool_calls_total", "status")], "cps", 8, stack=True),
    graph(
        "Session writes",
        [rates("neurality_session_writes_total", "result")],
        "cps",
        8,
        stack=True,
        about="fenced: an older worker tried to write. unreplicated: the call goes on without Redis.",
    ),
    graph("Artifacts", [rates("neurality_artifacts_total", "result")], "cps", 8, stack=True),
]

POOL = [
    row("Demand and capacity"),
    stat(
        "Demand",
        f"max(neurality_pool_demand_calls{{{N}}})",
        about="Ringing, orphaned and served calls: what autoscaling follows.",
    ),
    stat("Workers ready", f'max(neurality_pool_pods{{{N},state="ready"}})'),
    stat("Workers draining", f'max(neurality_pool_pods{{{N},state="draining"}})'),
    stat("Free slots", f'max(neurality_pool_slots{{{N},state="free"}})'),
    stat("Oldest wait", f"max(neurality_queue_oldest_wait_seconds{{{N}}})", "s", limits=(10,)),
    stat("Unreplicated calls", f"sum(neurality_calls_unreplicated{{{N}}})", limits=(1,)),
    graph("Calls of the pool", [highest("neurality_pool_calls", "state")], "short", 8, stack=True),
    graph("Slots of the pool", [highest("neurality_pool_slots", "state")], "short", 8, stack=True),
    graph(
        "Replicas",
        [
            (f"sum(neurality_worker_registered{{{N}}})", "registered"),
            (f'max(neurality_pool_pods{{{N},state="ready"}})', "ready"),
            (f'max(neurality_pool_pods{{{N},state="draining"}})', "draining"),
        ],
        "short",
        8,
    ),
    row("The queue"),
    graph("Waiting calls", [highest("neurality_queue_waiting_calls")], "short", 8),
    graph(
        "Oldest wait",
        [highest("neurality_queue_oldest_wait_seconds")],
        "s",
        8,
        (10, 25),
        "At the ring deadline (25 s) a call falls back.",
    ),
    graph(
        "Dispatch",
        [
            rates("neurality_dispatch_offers_total", "attempt"),
            (f"sum(rate(neurality_calls_given_up_total{{{N}}}[$__rate_interval]))", "given up"),
        ],
        "cps",
        8,
        about="Offers to workers; many `again` means that workers do not take calls.",
    ),
    row("Who owns a call"),
    graph("Claims", [rates("neurality_claims_total", "result")], "cps", 8, stack=True),
    graph(
        "Taken over and handed over",
        [rates("neurality_resumptions_total", "kind"), rates("neurality_calls_taken_total", "from")],
        "cps",
        8,
    ),
    graph("Hand-overs", [rates("neurality_hand_overs_total", "result")], "cps", 8, stack=True),
    row("Workers"),
    graph(
        "Short of CPU",
        [rates("neurality_worker_strained_periods_total", "cause")],
        "cps",
        8,
        about="Seconds in which a reading was over its limit: the pod then offers fewer slots than it has.",
    ),
    graph(
        "Slots offered and there",
        [(f"sum(neurality_worker_slots_offered{{{N}}})", "offered"), (f"sum(neurality_worker_slots{{{N}}})", "there")],
        "short",
        8,
    ),
    graph(
        "CPU used",
        [(f"max by (instance) (neurality_worker_cpu_ratio{{{N}}})", "{{instance}}")],
        "percentunit",
        8,
        (0.8,),
        "Share of what the pod may use.",
    ),
    graph(
        "Slots in use by worker",
        [(f'sum by (instance) (neurality_worker_slots{{{N},state="used"}})', "{{instance}}")],
        "short",
        12,
        stack=True,
    ),
    graph("Draining", [(f"sum by (instance) (neurality_worker_draining{{{N}}})", "{{instance}}")], "short", 12),
]

PROVIDERS = [
    row("Delay"),
    graph("Delay, p50", [quantile(0.5, "neurality_provider_latency_seconds", "kind", "vendor")], "s", 12),
    graph("Delay, p95", [quantile(0.95, "neurality_provider_latency_seconds", "kind", "vendor")], "s", 12),
    row("Errors"),
    graph("Calls", [rates("neurality_provider_calls_total", "kind", "vendor", matchers="")], "cps", 8),
    graph(
        "Results other than ok",
        [rates("neurality_provider_calls_total", "vendor", "result", matchers=',result!="ok"')],
        "cps",
        8,
        stack=True,
    ),
    graph(
        "Share of failures",
        [
            (
                f'sum by (vendor) (rate(neurality_provider_calls_total{{{N},result!="ok"}}[$__rate_interval])) / sum by (vendor) (rate(neurality_provider_calls_total{{{N}}}[$__rate_interval]))',
                "{{vendor}}",
            )
        ],
        "percentunit",
        8,
        (0.2,),
    ),
    graph(
        "Breakers open",
        [highest("neurality_provider_breaker_open", "vendor")],
        "short",
        24,
        (1,),
        "A vendor whose breaker is open is not asked; the next in providers.llm is.",
    ),
]

MEDIA = [
    row("From the caller"),
    graph("Packets", [rates("neurality_media_packets_total", "result")], "pps", 8),
    graph(
        "Loss",
        [
            (ratio("neurality_media_packets_total", 'result="lost"', 'result=~"received|lost"'), "lost"),
            (ratio("neurality_media_packets_total", 'result="recovered"', 'result=~"received|lost"'), "recovered"),
            (ratio("neurality_media_packets_total", 'result="late"', 'result=~"received|lost"'), "late (jitter)"),
        ],
        "percentunit",
        8,
        (0.03,),
    ),
    graph(
        "Sound invented per second of calls",
        [
            (
                f"sum(rate(neurality_media_concealed_milliseconds_total{{{N}}}[$__rate_interval])) / 1000 / clamp_min(sum(neurality_calls_active{{{N}}}), 1)",
                "concealed",
            )
        ],
        "percentunit",
        8,
    ),
    row("Inside a worker"),
    graph(
        "Frames dropped",
        [rates("neurality_audio_dropped_frames_total", "path")],
        "cps",
        8,
        about="At a full channel: the worker is too slow.",
    ),
    graph(
        "Voice-activity windows",
        [(f"sum(rate(neurality_vad_frames_total{{{N}}}[$__rate_interval]))", "windows")],
        "cps",
        8,
        about="31 a second for each call that is heard.",
    ),
    graph("Inference, p99", [quantile(0.99, "neurality_vad_inference_seconds")], "s", 8),
    graph(
        "Lateness of the agents' frames",
        quantiles("neurality_playout_lateness_seconds"),
        "s",
        12,
        (0.02,),
        "A frame is 20 ms: what is later is heard.",
    ),
    graph("Lateness of the runtime's timers", quantiles("neurality_worker_loop_lag_seconds"), "s", 12),
]

OBJECTIVES = (
    ("calls", "Calls that failed", 0.005),
    ("admissions", "Callers who got the fallback", 0.001),
    ("turns", "Turns over 1.4 s", 0.05),
)


def burn(name, budget):
    return [
        (f"neurality:{name}_bad:ratio_rate{window}{{{N}}} / {budget}", window) for window in ("5m", "1h", "6h", "3d")
    ]


SLO = [
    row("Now"),
    *(
        stat(
            f"{title}, 1 h",
            f"max(neurality:{name}_bad:ratio_rate1h{{{N}}})",
            "percentunit",
            8,
            (budget,),
            f"Objective: at most {budget:.1%}.",
        )
        for name, title, budget in OBJECTIVES
    ),
    row("Burn rate: 1 spends exactly the budget; 14.4 spends a month's in two days"),
    *(graph(title, burn(name, budget), "short", 8, (1, 6, 14.4)) for name, title, budget in OBJECTIVES),
    row("Pages"),
    graph(
        "Alerts that fire",
        [(f'sum by (alertname) (ALERTS{{alertstate="firing",{N}}}) or vector(0)', "{{alertname}}")],
        "short",
        24,
        stack=True,
    ),
]

DASHBOARDS = {
    "latency": ("Turn latency", LATENCY),
    "calls": ("Calls", CALLS),
    "pool": ("Pool", POOL),
    "providers": ("Providers", PROVIDERS),
    "media": ("Media", MEDIA),
    "slo": ("Service levels", SLO),
}

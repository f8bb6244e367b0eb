//! `docs/METRICS.md`, written from the catalogue. `UPDATE_DOCS=1 cargo test -p neurality --lib telemetry::page` writes it anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{metrics::Metrics, pool::PoolFigures};

const HEAD: &str = "# Metrics

Written from `src/telemetry/metrics.rs`; do not edit (`UPDATE_DOCS=1 cargo test -p neurality --lib telemetry::page` writes it anew).

Gateway and worker serve them on `/metrics`, from 0 on, so that a rate exists before the first event. A label's values are a closed set: a
tenant, a call or a phone number is never one. Durations are in seconds.

`neurality_queue_*` and `neurality_pool_*` are the whole pool's, read from Redis for each scrape of a gateway and absent while Redis is away. Every
gateway shows the same: join them by `max`, not by `sum`.

| name | type | labels | meaning |
|---|---|---|---|
";

#[derive(Default)]
struct Row {
    kind: String,
    help: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// The page, from the text that a scrape gets.
fn page(scrape: &str) -> String {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for line in scrape.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|l| l.split_once(' ')) {
            rows.entry(name.to_owned()).or_default().help = help.to_owned();
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|l| l.split_once(' '))
        {
            rows.entry(name.to_owned()).or_default().kind = kind.to_owned();
        } else if let Some((_, row)) = rows
            .iter_mut()
            .filter(|(name, _)| line.starts_with(name.as_str()))
            .max_by_key(|(name, _)| name.len())
        {
            note_labels(row, line);
        }
    }
    let rows = rows.iter().map(|(name, row)| {
        format!(
            "| `{name}` | {} | {} | {} |\n",
            row.kind,
            labels(row),
            row.help
        )
    });
    HEAD.to_owned() + &rows.collect::<String>()
}

fn note_labels(row: &mut Row, sample: &str) {
    let Some((_, rest)) = sample.split_once('{') else {
        return;
    };
    let Some((pairs, _)) = rest.rsplit_once('}') else {
        return;
    };
    for (label, value) in pairs.split(',').filter_map(|pair| pair.split_once('=')) {
        if label != "le" {
            let values = row.labels.entry(label.to_owned()).or_default();
            values.insert(value.trim_matches('"').to_owned());
        }
    }
}

fn labels(row: &Row) -> String {
    let labels = row.labels.iter().map(|(label, values)| {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        format!("`{label}`: {}", values.join(", "))
    });
    labels.collect::<Vec<_>>().join("<br>")
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a switch of the test, not a part of the configuration"
)]
fn the_page_shows_the_catalogue() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/METRICS.md");
    let fresh = page(
        &Metrics::new()
            .encode_with_pool(&PoolFigures::default())
            .expect("encode"),
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &fresh).expect("write the page");
    }
    let kept = std::fs::read_to_string(&path).expect("docs/METRICS.md");
    assert_eq!(kept, fresh, "run with UPDATE_DOCS=1 and look at the change");
}

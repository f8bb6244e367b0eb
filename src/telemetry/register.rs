//! Registers metrics, with every value of a closed label set to 0.

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, core::Collector,
};

use super::labels::Label;

pub(super) const UNIQUE: &str = "the catalogue's names are unique and valid";

pub(super) fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    metric: prometheus::Result<C>,
) -> C {
    let metric = metric.expect(UNIQUE);
    registry.register(Box::new(metric.clone())).expect(UNIQUE);
    metric
}

pub(super) fn counter(r: &Registry, name: &str, help: &str) -> IntCounter {
    register(r, IntCounter::new(name, help))
}

pub(super) fn gauge(r: &Registry, name: &str, help: &str) -> IntGauge {
    register(r, IntGauge::new(name, help))
}

pub(super) fn histogram(r: &Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    register(
        r,
        Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())),
    )
}

pub(super) fn counters<L: Label>(r: &Registry, name: &str, help: &str) -> IntCounterVec {
    let metric = register(r, IntCounterVec::new(Opts::new(name, help), &[L::NAME]));
    L::all()
        .into_iter()
        .for_each(|l| drop(metric.with_label_values(&[l.text()])));
    metric
}

pub(super) fn gauges<L: Label>(r: &Registry, name: &str, help: &str) -> IntGaugeVec {
    let metric = register(r, IntGaugeVec::new(Opts::new(name, help), &[L::NAME]));
    L::all()
        .into_iter()
        .for_each(|l| drop(metric.with_label_values(&[l.text()])));
    metric
}

pub(super) fn histograms<L: Label>(
    r: &Registry,
    name: &str,
    help: &str,
    buckets: &[f64],
) -> HistogramVec {
    let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    let metric = register(r, HistogramVec::new(opts, &[L::NAME]));
    L::all()
        .into_iter()
        .for_each(|l| drop(metric.with_label_values(&[l.text()])));
    metric
}

#!/usr/bin/env python3
"""Draws a dashboard's data as an SVG: what Grafana would show, asked from a Prometheus. Standard library only.

dashboards/picture.py --prometheus http://127.0.0.1:9090 --namespace pool --from 1764070000 --to 1764070600 --out docs/operations/pictures
"""

import argparse
import json
import math
import pathlib
import urllib.parse
import urllib.request
from xml.sax.saxutils import escape

HERE = pathlib.Path(__file__).parent
COLUMN, ROW, GAP, HEAD = 52, 26, 6, 34
COLOURS = ["#3274d9", "#e0752d", "#37872d", "#a352cc", "#c4162a", "#b5a200", "#1f78c1", "#705da0"]
STYLE = "text{font:11px sans-serif;fill:#24292e}.t{font-weight:bold;font-size:12px}.a{font-size:9px;fill:#6a737d}.big{font-size:24px;font-weight:bold}.h{font-size:17px;font-weight:bold}"


def main():
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(HERE.glob("*.json")):
        dashboard = json.loads(path.read_text())
        picture = draw(dashboard, Source(options))
        (options.out / f"{path.stem}.svg").write_text(picture)
        print(f"dashboards/picture.py: wrote {options.out / path.stem}.svg")


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prometheus", required=True)
    parser.add_argument("--namespace", default=".*")
    parser.add_argument("--from", dest="begin", type=float, required=True)
    parser.add_argument("--to", dest="end", type=float, required=True)
    parser.add_argument("--window", default="30s", help="stands for $__rate_interval")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    return parser.parse_args()


class Source:
    """A Prometheus and a span of time."""

    def __init__(self, options):
        self.url, self.begin, self.end = options.prometheus, options.begin, options.end
        self.step = max((self.end - self.begin) / 240, 1)
        self.variables = {"$__rate_interval": options.window, "$namespace": options.namespace}

    def ask(self, path, expression, **more):
        for name, value in self.variables.items():
            expression = expression.replace(name, value)
        query = urllib.parse.urlencode({"query": expression, **more})
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=30) as answer:
            return json.loads(answer.read())["data"]["result"]

    def last(self, expression):
        result = self.ask("query", expression, time=self.end)
        return float(result[0]["value"][1]) if result else None

    def lines(self, expression):
        for series in self.ask("query_range", expression, start=self.begin, end=self.end, step=self.step):
            points = [(float(t), float(v)) for t, v in series["values"]]
            yield series["metric"], [(t, v) for t, v in points if math.isfinite(v)]


def draw(dashboard, source):
    panels = dashboard["panels"]
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels) * ROW + HEAD + GAP
    width = 24 * COLUMN + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"><style>{STYLE}</style><rect width="100%" height="100%" fill="#f6f8fa"/>'
    ]
    parts.append(f'<text class="h" x="{GAP}" y="23">{escape(dashboard["title"])}</text>')
    for panel in panels:
        place = panel["gridPos"]
        x, y = place["x"] * COLUMN + GAP, place["y"] * ROW + HEAD
        w, h = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
        if panel["type"] == "row":
            parts.append(f'<text class="t" x="{x}" y="{y + 17}">{escape(panel["title"])}</text>')
            continue
        parts.append(
            f'<g transform="translate({x},{y})"><rect width="{w}" height="{h}" fill="#fff" stroke="#d1d5da"/><text class="t" x="8" y="16">{escape(panel["title"])}</text>'
        )
        parts += {"stat": stat, "heatmap": heatmap}.get(panel["type"], graph)(panel, source, w, h)
        parts.append("</g>")
    return "\n".join(parts) + "\n</svg>\n"


def stat(panel, source, w, h):
    value = source.last(panel["targets"][0]["expr"])
    text = "no data" if value is None else "none yet" if math.isnan(value) else shown(value, panel)
    yield f'<text class="big" x="{w / 2}" y="{h / 2 + 16}" text-anchor="middle">{text}</text>'


def shown(value, panel):
    unit = panel["fieldConfig"]["defaults"]["unit"]
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 or value == 0 else f"{value * 1000:.3g} ms"
    if unit == "percentunit":
        return f"{value:.1%}"
    suffix = {"cps": "/s", "pps": " packets/s"}.get(unit, "")
    return f"{value:.3g}{suffix}" if value < 1e4 else f"{value:.0f}{suffix}"


def named(target, labels):
    legend = target["legendFormat"]
    if legend == "__auto":
        return ", ".join(v for k, v in sorted(labels.items()) if k != "__name__")
    for key, value in labels.items():
        legend = legend.replace("{{" + key + "}}", value)
    return legend


def graph(panel, source, w, h):
    series = [
        (named(target, labels), points)
        for target in panel["targets"]
        for labels, points in source.lines(target["expr"])
    ]
    # Lines that are 0 all the time are told apart best by being left out.
    drawn = [(name, points) for name, points in series if any(v for _, v in points)][: 2 * len(COLOURS)] or series[:1]
    limits = [s["value"] for s in panel["fieldConfig"]["defaults"]["thresholds"]["steps"] if s["value"] is not None]
    top = max((v for _, points in drawn for _, v in points), default=0)
    limits = [limit for limit in limits if limit <= 4 * top] if top else []
    top = max([top, *limits]) * 1.05 or 1
    left, right, above, below = 58, w - 10, 24, h - 34

    def at(t, v):
        return (
            left + (t - source.begin) / (source.end - source.begin) * (right - left),
            below - v / top * (below - above),
        )

    for share in (0, 0.5, 1):
        y = below - share * (below - above)
        yield f'<path d="M{left} {y:.1f}H{right}" stroke="#eaecef"/><text class="a" x="{left - 4}" y="{y + 3:.1f}" text-anchor="end">{escape(shown(top * share, panel))}</text>'
    for limit in limits:
        y = at(source.begin, limit)[1]
        yield f'<path d="M{left} {y:.1f}H{right}" stroke="#c4162a" stroke-dasharray="4 3"/>'
    for number, (_, points) in enumerate(drawn):
        for piece in pieces(points, 4 * source.step):
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(t, v) for t, v in piece))
            colour = COLOURS[number % len(COLOURS)]
            yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    for text, x, anchor in (("0", left, "start"), (f"{source.end - source.begin:.0f} s", right, "end")):
        yield f'<text class="a" x="{x}" y="{below + 11}" text-anchor="{anchor}">{text}</text>'
    yield from legend([name for name, _ in drawn], left, h - 8, right)
    if not series:
        yield f'<text class="a" x="{w / 2}" y="{h / 2}" text-anchor="middle">no data</text>'


def pieces(points, gap):
    """A line is broken where nothing is known."""
    begin = 0
    for i in range(1, len(points) + 1):
        if i == len(points) or points[i][0] - points[i - 1][0] > gap:
            yield points[begin:i]
            begin = i


def legend(names, x, y, right):
    for number, name in enumerate(names):
        if x + 7 * len(name) > right - (60 if number < len(names) - 1 else 0):
            yield f'<text class="a" x="{x}" y="{y}">and {len(names) - number} more</text>'
            return
        yield f'<rect x="{x}" y="{y - 7}" width="8" height="8" fill="{COLOURS[number % len(COLOURS)]}"/><text class="a" x="{x + 11}" y="{y}">{escape(name)}</text>'
        x += 22 + 5.6 * len(name)


def heatmap(panel, source, w, h):
    buckets = sorted(
        (
            (float(labels["le"]), dict(points))
            for labels, points in source.lines(panel["targets"][0]["expr"])
            if "le" in labels
        ),
        key=lambda b: b[0],
    )
    left, right, above, below = 58, w - 10, 24, h - 22
    if len(buckets) < 2:
        return
    tall = (below - above) / len(buckets)
    times = sorted({t for _, points in buckets for t in points})
    columns = times[:: max(len(times) // 40, 1)]
    wide = (right - left) / max(len(columns), 1)
    cells = [
        (i, j, points.get(t, 0) - (buckets[j - 1][1].get(t, 0) if j else 0))
        for i, t in enumerate(columns)
        for j, (_, points) in enumerate(buckets)
    ]
    most = max((n for *_, n in cells), default=0) or 1
    for i, j, n in cells:
        if n > 0:
            yield f'<rect x="{left + i * wide:.1f}" y="{below - (j + 1) * tall:.1f}" width="{wide:.1f}" height="{tall:.1f}" fill="#3274d9" fill-opacity="{0.15 + 0.85 * n / most:.2f}"/>'
    for j, (edge, _) in enumerate(buckets):
        if j % 4 == 3:
            yield f'<text class="a" x="{left - 4}" y="{below - (j + 1) * tall + 3:.1f}" text-anchor="end">{edge:g} s</text>'


if __name__ == "__main__":
    main()

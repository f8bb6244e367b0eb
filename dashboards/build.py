#!/usr/bin/env python3
"""Writes the Grafana dashboards of this folder out of panels.py. With --check it changes nothing and fails if one is not up to date.

Standard library only.
"""

import json
import pathlib
import sys

from panels import DASHBOARDS

HERE = pathlib.Path(__file__).parent


def thresholds(limits):
    colours = ["green", "yellow", "orange", "red"][-len(limits) :] if len(limits) < 3 else ["yellow", "orange", "red"]
    steps = [{"color": "green", "value": None}]
    return {"mode": "absolute", "steps": steps + [{"color": c, "value": v} for c, v in zip(colours, limits)]}


def grafana_panel(number, panel, place):
    targets = [
        {
            "refId": chr(65 + i),
            "expr": expr,
            "legendFormat": legend or "__auto",
            "format": "heatmap" if panel["type"] == "heatmap" else "time_series",
            "datasource": {"type": "prometheus", "uid": "$datasource"},
        }
        for i, (expr, legend) in enumerate(panel["queries"])
    ]
    defaults = {"unit": panel["unit"], "min": 0, "thresholds": thresholds(panel["limits"])}
    options = {}
    if panel["type"] == "timeseries":
        defaults["custom"] = {
            "fillOpacity": 25 if panel["stack"] else 5,
            "stacking": {"mode": "normal" if panel["stack"] else "none"},
            "thresholdsStyle": {"mode": "line" if panel["limits"] else "off"},
            "showPoints": "never",
        }
        options = {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    elif panel["type"] == "stat":
        options = {
            "reduceOptions": {"calcs": ["lastNotNull"]},
            "colorMode": "value" if panel["limits"] else "none",
            "graphMode": "area",
        }
    elif panel["type"] == "heatmap":
        options = {
            "calculate": False,
            "yAxis": {"unit": "s"},
            "color": {"mode": "scheme", "scheme": "Blues"},
            "cellGap": 1,
        }
    return {
        "id": number,
        "type": panel["type"],
        "title": panel["title"],
        "description": panel["about"],
        "gridPos": place,
        "datasource": {"type": "prometheus", "uid": "$datasource"},
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
    }


def layout(panels):
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        if "row" in panel:
            y, x, height = y + height, 0, 0
            yield {
                "id": number,
                "type": "row",
                "title": panel["row"],
                "collapsed": False,
                "panels": [],
                "gridPos": {"h": 1, "w": 24, "x": 0, "y": y},
            }
            y += 1
            continue
        tall = 4 if panel["type"] == "stat" else 8
        if x + panel["width"] > 24:
            y, x, height = y + height, 0, 0
        yield grafana_panel(number, panel, {"h": tall, "w": panel["width"], "x": x, "y": y})
        x, height = x + panel["width"], max(height, tall)


def variables():
    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1},
        {
            "name": "namespace",
            "label": "Namespace",
            "type": "query",
            "datasource": {"type": "prometheus", "uid": "$datasource"},
            "refresh": 2,
            "sort": 1,
            "query": {"query": "label_values(neurality_worker_registered, namespace)", "refId": "namespace"},
            "includeAll": True,
            "multi": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def dashboard(name, title, panels):
    links = [
        {
            "title": "Neurality",
            "type": "dashboards",
            "tags": ["neurality"],
            "asDropdown": True,
            "keepTime": True,
            "includeVars": True,
        }
    ]
    return {
        "uid": f"neurality-{name}",
        "title": f"Neurality / {title}",
        "tags": ["neurality"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "graphTooltip": 1,
        "links": links,
        "templating": {"list": variables()},
        "annotations": {"list": []},
        "panels": list(layout(panels)),
    }


def main():
    stale = []
    for name, (title, panels) in DASHBOARDS.items():
        path = HERE / f"{name}.json"
        text = json.dumps(dashboard(name, title, panels), indent=1) + "\n"
        if not path.exists() or path.read_text() != text:
            stale.append(path.name)
            if "--check" not in sys.argv[1:]:
                path.write_text(text)
    if stale and "--check" in sys.argv[1:]:
        sys.exit(f"dashboards/build.py: out of date: {', '.join(stale)}: run dashboards/build.py")


if __name__ == "__main__":
    main()

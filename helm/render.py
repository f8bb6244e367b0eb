#!/usr/bin/env python3
"""Writes values.yaml and README.md of the chart from values.schema.json, the one place where a value, its default and its meaning stand.

With --check it changes nothing and fails if a file is not up to date. Standard library only.
"""

import json
import pathlib
import sys
import textwrap

CHART = pathlib.Path(__file__).parent / "neurality"
WIDTH = 130
HEADER = "# Written by helm/render.py from values.schema.json; do not edit.\n"


def main():
    schema = json.loads((CHART / "values.schema.json").read_text())
    pages = {
        "values.yaml": HEADER + "\n".join(yaml_lines(schema, 0)) + "\n",
        "README.md": (CHART / "README.head.md").read_text() + "\n".join(table(schema)) + "\n",
    }
    stale = [name for name, text in pages.items() if not matches(CHART / name, text)]
    if "--check" in sys.argv[1:]:
        if stale:
            sys.exit(f"helm/render.py: out of date: {', '.join(stale)}: run helm/render.py")
        return
    for name in stale:
        (CHART / name).write_text(pages[name])
        print(f"helm/render.py: wrote {name}")


def matches(path, text):
    return path.exists() and path.read_text() == text


def is_section(node):
    return node.get("type") == "object" and "properties" in node and "default" not in node


def yaml_lines(node, depth):
    pad = "  " * depth
    for name, child in node["properties"].items():
        if depth == 0:
            yield ""
        for line in textwrap.wrap(child["description"], WIDTH - len(pad)):
            yield f"{pad}# {line}"
        if is_section(child):
            yield f"{pad}{name}:"
            yield from yaml_lines(child, depth + 1)
        else:
            # JSON is YAML.
            yield f"{pad}{name}: {json.dumps(child['default'])}"


def table(schema):
    yield "| value | default | meaning |"
    yield "| --- | --- | --- |"
    yield from rows(schema, "")


def rows(node, prefix):
    for name, child in node["properties"].items():
        path = f"{prefix}{name}"
        if is_section(child):
            yield f"| **`{path}`** | | {child['description']} |"
            yield from rows(child, path + ".")
        else:
            choices = f" One of {', '.join(f'`{c}`' for c in child['enum'])}." if "enum" in child else ""
            yield f"| `{path}` | `{json.dumps(child['default'])}` | {child['description']}{choices} |"


if __name__ == "__main__":
    main()

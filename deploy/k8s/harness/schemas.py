"""JSON schemas for kubeconform: from Kubernetes' own OpenAPI description and from the CustomResourceDefinitions, nothing downloaded."""

import json

from . import tools


def write(folder):
    """One file per kind, named as kubeconform asks for it. Unknown fields are errors."""
    swagger = json.loads((tools.module_dir("tools", "k8s.io/kubernetes") / "api/openapi-spec/swagger.json").read_text())
    definitions = {name: strict(body) for name, body in swagger["definitions"].items()}
    for name, body in swagger["definitions"].items():
        for kind in body.get("x-kubernetes-group-version-kind", []):
            schema = {"$ref": f"#/definitions/{name}", "definitions": needed(name, definitions)}
            write_kind(folder, kind["group"], kind["version"], kind["kind"], schema)
    for path in tools.crd_files():
        spec = tools.from_yaml(path)["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            write_kind(folder, spec["group"], version["name"], spec["names"]["kind"], schema)
    return f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"


def write_kind(folder, group, version, kind, schema):
    parts = [kind.lower(), group.split(".")[0], version] if group else [kind.lower(), version]
    (folder / f"{'-'.join(parts)}.json").write_text(json.dumps(schema))


def strict(node):
    """The same schema, with unknown fields refused and Kubernetes' own types in plain JSON schema."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "int-or-string" or node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    node = {key: strict(value) for key, value in node.items() if not (key == "format" and isinstance(value, str))}
    open_ended = node.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in node
    # Not where `properties` is the name of a property.
    if isinstance(node.get("properties"), dict) and not open_ended and node.get("type", "object") == "object":
        node["additionalProperties"] = False
        # apiVersion, kind and metadata are Kubernetes' own, also where a CRD leaves them out.
    return node


def needed(name, definitions):
    """The definitions that one of them leads to."""
    found, todo = {}, [name]
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = definitions[name]
            todo += references(definitions[name])
    return found


def references(node):
    if isinstance(node, list):
        return [name for item in node for name in references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"].removeprefix("#/definitions/")] if isinstance(node.get("$ref"), str) else []
    return own + [name for value in node.values() for name in references(value)]

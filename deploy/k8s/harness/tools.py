"""Programs, files and small helpers. Standard library only."""

import functools
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = ROOT / "target/tools/k8s"
WORK = ROOT / "target/k8s"
CHART = ROOT / "helm/neurality"
# Each profile with the files that make it up.
PROFILES = {
    "dev": ["values-dev.yaml"],
    "production": ["values-production.yaml"],
    "1000-calls": ["values-production.yaml", "values-1000-calls.yaml"],
    "1000-calls-source": ["values-production.yaml", "values-1000-calls-source.yaml"],
}


class Failed(Exception):
    """A program that ended badly; the text is what it said."""


def run(*command, env=None, check=True, **more):
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        env={**os.environ, **(env or {})},
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        **more,
    )
    if check and done.returncode != 0:
        raise Failed(
            f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        )
    return done


def helm(*arguments, **more):
    # Symbolic links in the chart are meant: they point at the one copy of rules, dashboards and roles.
    return run(BIN / "helm", *arguments, **more).stdout


def values(profile):
    return [argument for name in PROFILES[profile] for argument in ("-f", CHART / name)]


def from_yaml(path):
    """A YAML file of one document, by helm: no YAML library is in Python's own."""
    text = helm("template", "x", ROOT / "deploy/k8s/tests/tojson", "-f", path)
    return json.loads(text[text.index("out: |-") + len("out: |-") :])


@functools.cache
def module_dir(module, package):
    """The folder of a Go module that a go.mod of deploy/k8s pins."""
    answer = run("go", "mod", "download", "-json", package, cwd=ROOT / "deploy/k8s" / module)
    return pathlib.Path(json.loads(answer.stdout)["Dir"])


def crd_files():
    """The CustomResourceDefinitions of the kinds that the chart uses."""
    wanted = {
        "github.com/kedacore/keda/v2": [
            "config/crd/bases/keda.sh_scaledobjects.yaml",
            "config/crd/bases/keda.sh_triggerauthentications.yaml",
            "config/crd/bases/keda.sh_clustertriggerauthentications.yaml",
            "config/crd/bases/keda.sh_scaledjobs.yaml",
            "config/crd/bases/eventing.keda.sh_cloudeventsources.yaml",
            "config/crd/bases/eventing.keda.sh_clustercloudeventsources.yaml",
        ],
        "github.com/prometheus-operator/prometheus-operator": [
            f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"
            for kind in ("podmonitors", "prometheusrules")
        ],
        "github.com/cert-manager/cert-manager": ["deploy/crds/cert-manager.io_certificates.yaml"],
        "sigs.k8s.io/gateway-api": ["config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
        "github.com/external-secrets/external-secrets": ["config/crds/bases/external-secrets.io_externalsecrets.yaml"],
    }
    return [module_dir("crds", module) / name for module, names in wanted.items() for name in names]


def catalogue():
    """Names of the product's metrics, from the page that its tests keep up to date."""
    return set(re.findall(r"^\| `(neurality_[a-z0-9_]+)` \|", (ROOT / "docs/METRICS.md").read_text(), re.M))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def has_mount_namespaces():
    """Whether this machine lets us give a process a file tree of its own."""
    return subprocess.run(["unshare", "--mount", "mount", "--make-rprivate", "/"], capture_output=True).returncode == 0


def wait_until(what, limit, probe, every=0.2):
    """Waits until `probe` gives something true, and gives it back. What it raises counts as no."""
    deadline, last = time.monotonic() + limit, None
    while time.monotonic() < deadline:
        try:
            if found := probe():
                return found
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown if it stays
            last = error
        time.sleep(every)
    raise Failed(f"{what}: not within {limit} s{f' ({last})' if last else ''}")


def fresh_dir(name):
    path = WORK / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def program(name):
    """A Debian package's program; some are not on everybody's path."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin") or name

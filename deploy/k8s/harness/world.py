"""What the pool stands on, as real processes: Postgres, Redis, LiveKit and the simulators of `loadtest stack`, and a Prometheus."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request

from . import tools
from .plane import Child

LOADTEST = tools.ROOT / "target/debug/loadtest"
NEURALITY = tools.ROOT / "target/debug/neurality"


class World:
    """The servers of `loadtest stack`. Its own gateway and worker are stopped: the chart's take their place, on the gateway's port."""

    def __init__(self, name, simulators="realistic.yaml"):
        self.name, self.folder = name, tools.ROOT / "target/stack" / name
        tools.run(LOADTEST, "stack", "--name", name, "--simulators", simulators)
        for pid_file in [*self.folder.glob("gateway*.pid"), *self.folder.glob("worker*.pid")]:
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGTERM)
            tools.wait_until(f"the end of the stack's own {pid_file.stem}", 10, lambda file=pid_file: not alive(file))
        self.config = tools.from_yaml(self.folder / "neurality.yaml")
        self.target = self.folder / "target.json"
        self.gateway_port = urllib.parse.urlsplit(self.config["gateway"]["public_url"]).port

    def secret(self):
        """The entries of the secret that the chart's pods mount."""
        config = self.config
        return {
            "twilio-auth-token": config["twilio"]["auth_tokens"][0],
            "livekit-api-secret": config["livekit"]["api_secret"],
            "sip-password": config["livekit"]["sip_password"],
            "postgres-url": config["postgres"]["url"],
            "postgres-owner-url": config["postgres"]["owner_url"],
            "redis-url": config["redis"]["urls"][0],
            "keys": (self.folder / "keys.json").read_text(),
            "deepgram-api-key": config["providers"]["deepgram"]["api_key"],
            "openai-api-key": config["providers"]["openai"]["api_key"],
        }

    def values(self):
        """What an operator would write for this world."""
        config = self.config
        return {
            "publicUrl": config["gateway"]["public_url"].rstrip("/"),
            "livekit": {
                "url": config["livekit"]["url"],
                "apiKey": config["livekit"]["api_key"],
                "sipHost": config["livekit"]["sip_host"],
                "sipTransport": "tls",
            },
            "providers": {
                "deepgramUrl": config["providers"]["deepgram"]["base_url"],
                "openaiUrl": config["providers"]["openai"]["base_url"],
            },
            "gateway": {
                "replicas": 1,
                "servicePort": self.gateway_port,
                "preStopSecs": 0,
                "terminationGracePeriodSeconds": 60,
            },
            "telemetry": {"log": "info,livekit=warn"},
            # Callers reach the gateway without one: an Ingress would want a name where the world has an address.
            "ingress": {"enabled": False},
            "tls": {"secretName": "", "certManager": {"enabled": False}},
        }

    def call(self, scenario, calls=1):
        """Starts simulated callers; the process ends with the last of them, with 0 if all went as the scenario (a file) expects."""
        command = [
            LOADTEST,
            "call",
            "--scenario",
            tools.ROOT / scenario,
            "--target",
            self.target,
            "--calls",
            str(calls),
        ]
        with open(tools.WORK / f"calls-{self.name}.log", "ab") as log:
            return subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def neurality(self, *arguments, **more):
        return tools.run(NEURALITY, "--config", self.folder / "neurality.yaml", *arguments, **more).stdout

    def stop(self):
        # Leaves other stacks of this workspace alone, as their owners live or their names differ.
        for pid_file in self.folder.glob("*.pid"):
            try:
                os.kill(int(pid_file.read_text().split()[0]), signal.SIGQUIT)
            except ProcessLookupError:
                pass
        tools.wait_until("the end of the stack", 20, lambda: not any(alive(path) for path in self.folder.glob("*.pid")))
        for record in self.folder.glob("outside.*"):
            shutil.rmtree(record.read_text().strip(), ignore_errors=True)


def alive(pid_file):
    return pathlib.Path(f"/proc/{pid_file.read_text().split()[0]}").exists()


class Prometheus:
    """A Prometheus with the shipped rules that scrapes what the kubelet writes, each second."""

    def __init__(self, targets, name="prometheus"):
        self.folder, self.port = tools.fresh_dir(name), tools.free_port()
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "2s"},
            "rule_files": [str(tools.ROOT / "deploy/prometheus/rules/neurality.yaml")],
            "scrape_configs": [
                {"job_name": "neurality", "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "1s"}]}
            ],
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(config))
        self.start()

    def start(self):
        self.child = Child(
            self.folder,
            "prometheus",
            [
                tools.program("prometheus"),
                f"--config.file={self.folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--query.lookback-delta=15s",
            ],
        )
        tools.wait_until("Prometheus", 30, lambda: self.child.alive() and self.http("/-/ready"))

    def stop(self):
        self.child.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def http(self, path, **query):
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}", timeout=20) as answer:
            return answer.read()

    def query(self, expression):
        answer = json.loads(self.http("/api/v1/query", query=expression))
        if answer["status"] != "success":
            raise tools.Failed(f"{expression}: {answer}")
        return answer["data"]["result"]

    def value(self, expression):
        result = self.query(expression)
        return float(result[0]["value"][1]) if result else None

    def range(self, expression, begin, end, step):
        answer = json.loads(self.http("/api/v1/query_range", query=expression, start=begin, end=end, step=step))
        return answer["data"]["result"]

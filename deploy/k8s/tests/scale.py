"""Autoscaling as it ships: real calls through real workers drive 2 -> N -> 2, none is cut, and blindness takes no replica away.

By KEDA, and by the HPA alternative. Minutes long, and KEDA must be built (`deploy/k8s/setup.sh --keda`): `make test-k8s-scale`. Writes
target/report/scale-*.json.
"""

import json
import threading
import time
import unittest

from harness import tools
from harness.adapter import Adapter
from harness.keda import Keda
from harness.plane import Plane
from harness.pods import Kubelet
from harness.tools import CHART
from harness.world import Prometheus, World

NAMESPACE = "scale"
LEAST, MOST = 2, 4
# What production does in minutes, in seconds.
AUTOSCALING = {
    "minReplicas": LEAST,
    "maxReplicas": MOST,
    "callsPerPod": 1,
    "bufferCalls": 0,
    "queueCallsPerPod": 1,
    "pollingSecs": 2,
    "failureThreshold": 2,
    "scaleUpPeriodSecs": 5,
    "scaleDownWindowSecs": 10,
    "scaleDownPeriodSecs": 5,
}
BLIND_SECONDS = 25
CALL = "deploy/k8s/tests/steady.yaml"
PATIENCE = 120


class Watch(threading.Thread):
    """Notes each second how many workers are wanted, ready and there."""

    def __init__(self, pool):
        super().__init__(daemon=True)
        self.pool, self.notes, self.begin, self.stopping = pool, [], time.time(), threading.Event()

    def run(self):
        while not self.stopping.wait(1):
            self.notes.append(
                {
                    "at": round(time.time() - self.begin, 1),
                    "wanted": self.pool.wanted(),
                    "ready": self.pool.ready(),
                    "there": len(self.pool.kubelet.of("worker")),
                }
            )

    def stop(self):
        self.stopping.set()
        self.join(10)


class Scaling:
    """The test, for a way of scaling."""

    mode = None

    def autoscaler(self):
        raise NotImplementedError

    def setUp(self):
        self.world = World(f"k8s-scale-{self.mode}")
        self.addCleanup(self.world.stop)
        self.plane = Plane(f"plane-{self.mode}")
        self.addCleanup(self.plane.stop)
        self.plane.start()
        self.plane.add_crds()
        self.plane.add_namespace(NAMESPACE)
        self.plane.add_secret(NAMESPACE, "neurality", self.world.secret())
        self.kubelet = self.enterContext(Kubelet(self.plane, [NAMESPACE], self.world.gateway_port))
        self.prometheus = Prometheus(self.kubelet.targets, f"prometheus-{self.mode}")
        self.addCleanup(self.prometheus.stop)
        self.addCleanup(self.autoscaler().stop)
        self.install()
        self.watch = Watch(self)
        self.watch.start()
        self.addCleanup(self.watch.stop)

    def install(self):
        values = tools.WORK / f"scale-{self.mode}.json"
        autoscaling = {**AUTOSCALING, "mode": self.mode, "prometheusUrl": self.prometheus.url}
        values.write_text(json.dumps({**self.world.values(), "autoscaling": autoscaling, "worker": {"maxCalls": 2}}))
        self.plane.helm(
            "install",
            "neurality",
            CHART,
            "-n",
            NAMESPACE,
            *tools.values("production"),
            "-f",
            values,
            "--wait",
            "--timeout",
            "180s",
        )

    def deployment(self):
        return self.plane.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/neurality-worker")

    def wanted(self):
        return self.deployment()["spec"].get("replicas")

    def ready(self):
        return self.deployment()["status"].get("readyReplicas", 0)

    def test_calls_drive_the_pool_up_and_down_and_none_is_cut(self):
        tools.wait_until("the least replicas", PATIENCE, lambda: self.ready() == LEAST)
        # As many callers as the machine of the tests bears.
        calls = self.world.call(CALL, 3)
        tools.wait_until("a worker for each call", PATIENCE, lambda: self.ready() == 3, 1)
        more = self.world.call(CALL, 1)
        tools.wait_until("the most replicas", PATIENCE, lambda: self.ready() == MOST, 1)
        blind = self.go_blind()
        reports = [
            json.loads(line) for process in (calls, more) for line in process.communicate(timeout=400)[0].splitlines()
        ]
        tools.wait_until("the least replicas again", 2 * PATIENCE, lambda: self.wanted() == LEAST == self.ready(), 1)
        tools.wait_until(
            "the end of the workers that were taken away", PATIENCE, lambda: len(self.kubelet.of("worker")) == LEAST, 1
        )
        self.watch.stop()
        self.write_report(blind, reports)
        self.assertEqual([report["failures"] for report in reports], [[]] * 4)
        self.assertEqual((self.kubelet.killed, self.kubelet.crashes), ([], []))
        self.assertGreaterEqual(len(self.kubelet.ended), MOST - LEAST)
        self.assertEqual(
            {code for _, component, codes, _ in self.kubelet.ended if component == "worker" for code in codes}, {0}
        )

    def go_blind(self):
        """Prometheus stops for a while in the calls: nobody knows the demand, and no replica goes."""
        self.prometheus.stop()
        seen = []
        for _ in range(BLIND_SECONDS):
            time.sleep(1)
            seen.append(self.wanted())
        self.prometheus.start()
        self.assertEqual(set(seen), {MOST}, "replicas moved while nobody could know the demand")
        return seen

    def write_report(self, blind, reports):
        path = tools.ROOT / f"target/report/scale-{self.mode}.json"
        path.parent.mkdir(exist_ok=True)
        ended = [
            {"pod": name, "exit_codes": codes, "drained_in_s": round(seconds, 1)}
            for name, _, codes, seconds in self.kubelet.ended
        ]
        report = {
            "calls": len(reports),
            "failures": [r["failures"] for r in reports],
            "wanted_while_blind": sorted(set(blind)),
            "ended": ended,
            "killed": self.kubelet.killed,
            "crashed": self.kubelet.crashes,
            "replicas": self.watch.notes,
        }
        path.write_text(json.dumps(report, indent=1))
        span = ["--from", self.watch.begin, "--to", time.time()]
        out = tools.ROOT / f"target/report/scale-{self.mode}"
        drawing = ["python3", tools.ROOT / "dashboards/picture.py", "--prometheus", self.prometheus.url]
        tools.run(*drawing, "--namespace", NAMESPACE, *span, "--out", out)


class ByHpa(Scaling, unittest.TestCase):
    mode = "hpa"

    def autoscaler(self):
        return Adapter(self.plane, self.prometheus)


class ByKeda(Scaling, unittest.TestCase):
    mode = "keda"

    def autoscaler(self):
        return Keda(self.plane)

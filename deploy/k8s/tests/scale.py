"""Autoscaling as it ships: real calls through real workers drive 2 -> N -> 2 by KEDA and Prometheus, none is cut, and blindness changes nothing.

Minutes long, and KEDA must be built (`deploy/k8s/setup.sh --keda`): `make test-k8s-scale`. Writes target/report/scale.json.
"""

import json
import threading
import time
import unittest

from harness import tools
from harness.keda import Keda
from harness.plane import Plane
from harness.pods import Kubelet
from harness.tools import CHART
from harness.world import Prometheus, World

NAMESPACE = "scale"
LEAST, MOST, CALLS_PER_POD = 2, 5, 2
# What production does in minutes, in seconds.
SPEED = {"pollingSecs": 2, "failureThreshold": 2, "scaleUpPeriodSecs": 5, "scaleDownWindowSecs": 10, "scaleDownPeriodSecs": 5}
plane = world = kubelet = prometheus = watch = None


class Watch(threading.Thread):
    """Notes replicas and calls each second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.notes, self.begin, self.stopping = [], time.time(), threading.Event()

    def run(self):
        while not self.stopping.wait(1):
            self.notes.append({"at": round(time.time() - self.begin, 1), "wanted": wanted(), "ready": ready(), "running": len(kubelet.of("worker"))})

    def stop(self):
        self.stopping.set()
        self.join(10)


def setUpModule():
    global plane, world, kubelet, prometheus, watch
    world = World("k8s-scale")
    unittest.addModuleCleanup(world.stop)
    plane = Plane("plane-scale")
    unittest.addModuleCleanup(plane.stop)
    plane.start()
    plane.add_crds()
    plane.add_namespace(NAMESPACE)
    plane.add_secret(NAMESPACE, "neurality", world.secret())
    kubelet = Kubelet(plane, [NAMESPACE], world.gateway_port)
    unittest.enterModuleContext(kubelet)
    prometheus = Prometheus(kubelet.targets, "prometheus-scale")
    unittest.addModuleCleanup(lambda: prometheus.stop())
    keda = Keda(plane)
    unittest.addModuleCleanup(keda.stop)
    values = tools.WORK / "scale-values.json"
    autoscaling = {"mode": "keda", "minReplicas": LEAST, "maxReplicas": MOST, "callsPerPod": CALLS_PER_POD, "bufferCalls": 1, "prometheusUrl": prometheus.url, **SPEED}
    values.write_text(json.dumps({**world.values(), "autoscaling": autoscaling, "worker": {"maxCalls": 3}}))
    plane.helm("install", "neurality", CHART, "-n", NAMESPACE, *tools.values("production"), "-f", values, "--wait", "--timeout", "120s")
    watch = Watch()
    watch.start()
    unittest.addModuleCleanup(watch.stop)


def wanted():
    return plane.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/neurality-worker")["spec"]["replicas"]


def ready():
    return plane.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/neurality-worker")["status"].get("readyReplicas", 0)


class Scale(unittest.TestCase):
    def test_calls_drive_the_pool_up_and_down_and_none_is_cut(self):
        report = {}
        tools.wait_until("the least replicas", 60, lambda: ready() == LEAST)
        # Four callers at first, then four more: as many as the machine of the tests bears, and more than two workers take.
        first = world.call("book", 4)
        tools.wait_until("more replicas", 60, lambda: ready() > LEAST, 1)
        second = world.call("book", 3)
        report["most"] = tools.wait_until("replicas for all", 60, lambda: (count := ready()) >= 4 and count, 1)
        report["blind"] = self.blind()
        said = [process.communicate(timeout=300)[0] for process in (first, second)]
        reports = [json.loads(line) for text in said for line in text.splitlines()]
        report["calls"] = len(reports)
        report["calls_that_went_wrong"] = [r["failures"] for r in reports if r["failures"]]
        tools.wait_until("the least replicas again", 180, lambda: wanted() == LEAST and ready() == LEAST, 1)
        tools.wait_until("the end of the pods that were taken away", 120, lambda: len(kubelet.of("worker")) == LEAST, 1)
        watch.stop()
        report |= {"ended": kubelet.ended, "killed": kubelet.killed, "crashed": kubelet.crashes, "notes": watch.notes}
        path = tools.ROOT / "target/report/scale.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(report, indent=1))
        self.assertEqual([first.returncode, second.returncode], [0, 0], report["calls_that_went_wrong"])
        self.assertEqual(report["calls"], 7)
        self.assertEqual((kubelet.killed, kubelet.crashes), ([], []))
        self.assertGreaterEqual(len(kubelet.ended), 2)
        self.assertEqual({code for _, _, codes, _ in kubelet.ended for code in codes}, {0})

    def blind(self):
        """Prometheus stops for a while: nobody knows the demand, and no replica goes."""
        before = wanted()
        prometheus.stop()
        seen = []
        for _ in range(25):
            time.sleep(1)
            seen.append(wanted())
        fallback = [c for c in plane.get(f"/apis/keda.sh/v1alpha1/namespaces/{NAMESPACE}/scaledobjects/neurality-worker")["status"]["conditions"] if c["type"] == "Fallback"]
        prometheus.start()
        self.assertGreaterEqual(min(seen), before, "a replica went while nobody could know the demand")
        return {"before": before, "seen": sorted(set(seen)), "fallback": fallback}

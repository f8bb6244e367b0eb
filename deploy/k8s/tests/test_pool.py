"""The chart's pods as real processes on a real control plane: hooks, probes, a call, and every query against a Prometheus that scrapes them."""

import json
import pathlib
import re
import time
import unittest
import urllib.parse

from harness import tools
from harness.plane import Plane
from harness.pods import Kubelet
from harness.tools import CHART, ROOT
from harness.world import Prometheus, World

NAMESPACE = "pool"
RULES = ROOT / "deploy/prometheus/rules/neurality.yaml"
WINDOW = "1m"
plane = world = kubelet = prometheus = begin = None


def setUpModule():
    global plane, world, kubelet, prometheus, begin
    if not tools.has_mount_namespaces():
        raise unittest.SkipTest("a pod's file tree is a mount namespace of its own: needs root")
    world = World("k8s-pool")
    unittest.addModuleCleanup(world.stop)
    plane = Plane("plane-pool")
    unittest.addModuleCleanup(plane.stop)
    plane.start()
    plane.add_crds()
    plane.add_namespace(NAMESPACE)
    plane.add_secret(NAMESPACE, "neurality", world.secret())
    kubelet = Kubelet(plane, [NAMESPACE], world.gateway_port)
    unittest.enterModuleContext(kubelet)
    prometheus = Prometheus(kubelet.targets)
    unittest.addModuleCleanup(prometheus.stop)
    values = tools.WORK / "pool-values.json"
    values.write_text(
        json.dumps({**world.values(), "autoscaling": {"mode": "none"}, "worker": {"replicas": 2, "maxCalls": 5}})
    )
    # Waits for the migration and the provisioning, which run for real, and for the processes' own /readyz.
    plane.helm(
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
        "120s",
    )
    begin = time.time()


def dashboards():
    for path in sorted((ROOT / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield (
                    f"{path.stem}: {panel['title']}",
                    target["expr"].replace("$__rate_interval", WINDOW).replace("$namespace", NAMESPACE),
                )


def selectors_of_alerts():
    """What each alert looks at, without thresholds: a healthy pool has data for it too."""
    for block in RULES.read_text().split("- alert: ")[1:]:
        expression = re.search(r"expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)", block)
        for selector in re.findall(r"neurality[\w:]*(?:\{[^}]*\})?", expression.group(1) or expression.group(2)):
            yield block.split()[0], selector


class Pool(unittest.TestCase):
    def test_1_a_call_through_the_charts_processes_goes_well(self):
        call = world.call("loadtest/scenarios/coverage.yaml")
        said, _ = call.communicate(timeout=180)
        self.assertEqual(call.returncode, 0, said)
        type(self).report = json.loads(said)

    def test_2_helm_test_runs_its_checks_for_real(self):
        said = plane.helm("test", "neurality", "-n", NAMESPACE, "--timeout", "120s")
        self.assertIn("Succeeded", said)

    def test_3_every_query_of_every_dashboard_has_data(self):
        tools.wait_until(
            "two scrapes after the call",
            20,
            lambda: prometheus.value(f"sum(increase(neurality_calls_total[{WINDOW}]))"),
        )
        empty = [f"{where}: {expression}" for where, expression in dashboards() if not prometheus.query(expression)]
        self.assertEqual(empty, [])

    def test_4_every_rule_is_evaluated_and_its_series_are_there(self):
        groups = json.loads(prometheus.http("/api/v1/rules"))["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertGreater(len(rules), 30)
        self.assertEqual([rule["name"] for rule in rules if rule["health"] != "ok"], [])
        records = {rule["name"] for rule in rules if rule["type"] == "recording"}
        self.assertEqual([name for name in records if not prometheus.query(name)], [])
        looked_at = set(selectors_of_alerts())
        self.assertGreater(len(looked_at), 30)
        self.assertEqual([(name, selector) for name, selector in looked_at if not prometheus.query(selector)], [])

    def test_5_the_autoscalers_queries_have_data(self):
        manifests = tools.helm(
            "template",
            "neurality",
            CHART,
            "-n",
            NAMESPACE,
            *tools.values("production"),
            "-s",
            "templates/autoscaling.yaml",
        )
        queries = [json.loads(text) for text in re.findall(r'query: (".*")', manifests)]
        self.assertEqual(len(queries), 2)
        for query in queries:
            self.assertEqual(len(prometheus.query(query)), 1, query)

    def test_6_processes_export_what_the_catalogue_says(self):
        exported = {
            name
            for name in json.loads(prometheus.http("/api/v1/label/__name__/values"))["data"]
            if name.startswith("neurality_")
        }
        exported = {
            re.sub(r"_(bucket|count|sum)$", "", name) if name not in tools.catalogue() else name for name in exported
        }
        self.assertEqual(sorted(tools.catalogue() ^ exported), [])

    def test_7_no_page_rings_in_a_healthy_pool(self):
        # How long turns take says how loaded the machine of the tests is.
        self.assertEqual(
            prometheus.query('ALERTS{alertstate="firing",severity="page",alertname!="NeuralityTurnsSlow"}'), []
        )

    def test_8_a_dump_restores_to_a_database_with_intact_chains_and_readable_artifacts(self):
        call = re.search(r"call=([0-9a-f-]{36})", self.report["action"]).group(1)
        original = tools.wait_until("the artifact", 20, lambda: world.neurality("audit", "export", "--call", call))
        dump = tools.WORK / "backup.dump"
        # As the superuser: forced row level security binds the owner too, and pg_dump refuses a partial dump.
        superuser = postgres_socket()
        tools.run("pg_dump", *superuser, "--format=custom", "--dbname=neurality", f"--file={dump}")
        tools.run("createdb", *superuser, "-O", "neurality_owner", "restored")
        tools.run("pg_restore", *superuser, "--dbname=restored", "--exit-on-error", dump)
        copy = {
            **world.config,
            "postgres": {key: url.rpartition("/")[0] + "/restored" for key, url in world.config["postgres"].items()},
        }
        path = world.folder / "restored.yaml"
        path.write_text(json.dumps(copy))
        path.chmod(0o600)

        def run(*arguments):
            return tools.run(ROOT / "target/debug/neurality", "--config", path, *arguments).stdout

        run("migrate")
        chains = [json.loads(line) for line in run("audit", "verify").splitlines() if line.startswith("{")]
        self.assertEqual([chain["broken"] for chain in chains], [None] * len(chains))
        self.assertGreater(sum(chain["intact"] for chain in chains), 0)
        self.assertEqual(json.loads(run("audit", "export", "--call", call)), json.loads(original))

    def test_90_pictures_of_the_dashboards_are_drawn(self):
        pictures = ROOT / "target/report/dashboards"
        tools.run(
            "python3",
            ROOT / "dashboards/picture.py",
            "--prometheus",
            prometheus.url,
            "--namespace",
            NAMESPACE,
            "--from",
            begin - 5,
            "--to",
            time.time(),
            "--out",
            pictures,
        )
        names = sorted(path.stem for path in (ROOT / "dashboards").glob("*.json"))
        self.assertEqual(sorted(path.stem for path in pictures.glob("*.svg")), names)
        for name in names:
            self.assertNotIn("no data", (pictures / f"{name}.svg").read_text(), name)

    def test_91_a_rollout_replaces_processes_and_none_is_killed(self):
        before = {pod.name for pod in kubelet.of("worker") + kubelet.of("gateway")}
        plane.helm(
            "upgrade",
            "neurality",
            CHART,
            "-n",
            NAMESPACE,
            "--reuse-values",
            "--set-string",
            "worker.podAnnotations.rolled=yes,gateway.podAnnotations.rolled=yes",
            "--wait",
            "--timeout",
            "120s",
        )
        tools.wait_until(
            "the end of the old pods", 60, lambda: not before & {pod.name for pod in kubelet.pods.values()}
        )
        self.assertEqual(kubelet.killed, [])
        self.assertEqual(kubelet.crashes, [])
        self.assertEqual({codes[0] for _, _, codes, _ in kubelet.ended}, {0})


def postgres_socket():
    """How a client reaches the stack's Postgres as its superuser."""
    port = urllib.parse.urlsplit(world.config["postgres"]["owner_url"]).port
    folders = [pathlib.Path(record.read_text().strip()) for record in world.folder.glob("outside.*")]
    (socket,) = [path for folder in folders for path in folder.rglob(f".s.PGSQL.{port}")]
    return ["-h", socket.parent, "-p", port, "-U", "postgres"]

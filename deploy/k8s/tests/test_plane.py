"""The chart on a real control plane, in namespaces that enforce Pod Security `restricted`. kwok plays the nodes."""

import unittest

from harness import tools
from harness.plane import Plane
from harness.tools import CHART

PRODUCTION_SECRET = [
    "twilio-auth-token",
    "livekit-api-secret",
    "sip-password",
    "postgres-url",
    "postgres-owner-url",
    "redis-url",
    "keys",
    "deepgram-api-key",
    "openai-api-key",
]
EARLIER = tools.ROOT / "deploy/k8s/tests/fixtures/neurality-0.0.1"
OF_KUBERNETES = {("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt")}
plane = None


def setUpModule():
    global plane
    plane = Plane("plane")
    unittest.addModuleCleanup(plane.stop)
    plane.start()
    plane.add_crds()
    plane.add_volumes(8)


def install(namespace, profile, *arguments):
    plane.add_namespace(namespace)
    if profile != "dev":
        plane.add_secret(namespace, "neurality", dict.fromkeys(PRODUCTION_SECRET, "x"))
    return helm("install", namespace, profile, *arguments)


def helm(verb, namespace, profile, *arguments):
    done = tools.run(
        tools.BIN / "helm",
        "--kubeconfig",
        plane.kubeconfig,
        verb,
        "neurality",
        CHART,
        "-n",
        namespace,
        *tools.values(profile),
        "--wait",
        "--wait-for-jobs",
        "--timeout",
        "120s",
        *arguments,
    )
    # The server's warnings: about Pod Security, about fields that are on their way out.
    warnings = [
        line for line in done.stderr.splitlines() if line.startswith("W") or "Warning" in line or "PodSecurity" in line
    ]
    if warnings:
        raise tools.Failed(f"the API server warns: {warnings}")


def uninstall(namespace):
    plane.helm("uninstall", "neurality", "-n", namespace, "--wait")


def pods(namespace, component):
    return plane.items(f"/api/v1/namespaces/{namespace}/pods?labelSelector=app.kubernetes.io/component={component}")


def running(namespace, component):
    return [
        pod
        for pod in pods(namespace, component)
        if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    ]


def images(namespace, component):
    return {pod["spec"]["containers"][0]["image"] for pod in running(namespace, component)}


def objects(namespace):
    """Everything in a namespace, as (resource, name), but what Kubernetes itself keeps there."""
    found = set()
    groups = ["/api/v1"] + [
        f"/apis/{group['preferredVersion']['groupVersion']}" for group in plane.get("/apis")["groups"]
    ]
    for group in groups:
        for resource in plane.get(group)["resources"]:
            if (
                resource["namespaced"]
                and "list" in resource["verbs"]
                and resource["name"] not in ("events", "endpoints", "endpointslices", "leases")
            ):
                found |= {
                    (resource["name"], item["metadata"]["name"])
                    for item in plane.items(f"{group}/namespaces/{namespace}/{resource['name']}")
                }
    return found - OF_KUBERNETES


def job_events(namespace, name):
    return [
        event["reason"]
        for event in plane.items(f"/api/v1/namespaces/{namespace}/events")
        if event["involvedObject"]["name"] == name
    ]


class Admission(unittest.TestCase):
    def test_the_namespaces_refuse_what_is_not_restricted(self):
        plane.add_namespace("strict")
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "root"},
            "spec": {"containers": [{"name": "c", "image": "x"}]},
        }
        with self.assertRaisesRegex(tools.Failed, "violates PodSecurity"):
            plane.post("/api/v1/namespaces/strict/pods", pod)


class Profiles(unittest.TestCase):
    """Each profile: install, wait, test, uninstall, and nothing is left but volume claims and the secret that was there before."""

    def profile(self, name, *arguments):
        namespace = f"voice-{name}"
        install(namespace, name, *arguments)
        for component in ("gateway", "worker"):
            self.assertGreater(len(running(namespace, component)), 0)
        self.assertEqual(plane.items(f"/apis/batch/v1/namespaces/{namespace}/jobs"), [])
        self.assertIn("Completed", job_events(namespace, "neurality-migrate"))
        self.assertIn("Completed", job_events(namespace, "neurality-provision"))
        self.assertIn("Succeeded", plane.helm("test", "neurality", "-n", namespace, "--timeout", "120s"))
        uninstall(namespace)

        def without_pods():
            found = objects(namespace)
            return None if any(kind == "pods" for kind, _ in found) else (found,)

        (left,) = tools.wait_until("the end of all pods", 60, without_pods)
        return left - {("secrets", "neurality")}

    def test_dev(self):
        left = self.profile("dev")
        self.assertEqual({kind for kind, _ in left}, {"persistentvolumeclaims"})

    def test_production(self):
        self.assertEqual(self.profile("production"), set())

    def test_1000_calls(self):
        self.assertEqual(self.profile("1000-calls"), set())

    def test_1000_calls_by_the_source_design(self):
        self.assertEqual(self.profile("1000-calls-source"), set())

    def test_production_with_an_hpa_and_a_gateway_route(self):
        arguments = [
            "--set",
            "autoscaling.mode=hpa,ingress.enabled=false,gatewayApi.enabled=true,gatewayApi.parentRefs[0].name=public",
        ]
        plane_left = self.profile_again("voice-hpa", arguments)
        self.assertEqual(plane_left, set())

    def profile_again(self, namespace, arguments):
        install(namespace, "production", *arguments)
        hpa = plane.get(f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/neurality-worker")
        self.assertEqual(hpa["spec"]["maxReplicas"], 10)
        # No adapter serves the metric here: replicas are held at the least.
        tools.wait_until("the least replicas", 30, lambda: len(running(namespace, "worker")) == 2)
        uninstall(namespace)
        return objects(namespace) - {("secrets", "neurality")}


class Rollout(unittest.TestCase):
    """From the chart of an earlier commit to this one, through a failure that rolls back, and back to the first."""

    NAMESPACE = "rollout"
    ARGUMENTS = ("--set", "autoscaling.mode=none,worker.replicas=4,gateway.replicas=2")

    @classmethod
    def setUpClass(cls):
        plane.add_namespace(cls.NAMESPACE)
        plane.add_secret(cls.NAMESPACE, "neurality", dict.fromkeys(PRODUCTION_SECRET, "x"))
        plane.helm(
            "install",
            "neurality",
            EARLIER,
            "-n",
            cls.NAMESPACE,
            "-f",
            EARLIER / "values-production.yaml",
            *cls.ARGUMENTS,
            "--set",
            "image.tag=old",
            "--wait",
            "--timeout",
            "120s",
        )

    @classmethod
    def tearDownClass(cls):
        uninstall(cls.NAMESPACE)

    def test_1_upgrade_from_the_earlier_chart(self):
        self.assertEqual(images(self.NAMESPACE, "worker"), {"ghcr.io/neurality-health/voice-agent:old"})
        before = job_events(self.NAMESPACE, "neurality-migrate").count("Completed")
        helm("upgrade", self.NAMESPACE, "production", *self.ARGUMENTS, "--set", "image.tag=new")
        for component, count in (("worker", 4), ("gateway", 2)):
            self.assertEqual(images(self.NAMESPACE, component), {"ghcr.io/neurality-health/voice-agent:new"})
            self.assertEqual(len(running(self.NAMESPACE, component)), count)
        self.assertGreater(job_events(self.NAMESPACE, "neurality-migrate").count("Completed"), before)

    def test_2_a_release_that_does_not_come_up_is_rolled_back(self):
        with self.assertRaisesRegex(
            tools.Failed, "release neurality failed, and has been rolled back due to atomic being set"
        ):
            helm(
                "upgrade",
                self.NAMESPACE,
                "production",
                *self.ARGUMENTS,
                "--set",
                "image.tag=broken",
                "--set",
                "migrate.enabled=false,provision.enabled=false",
                "--atomic",
                "--timeout",
                "25s",
            )
        self.assertEqual(images(self.NAMESPACE, "worker"), {"ghcr.io/neurality-health/voice-agent:new"})
        self.assertEqual(len(running(self.NAMESPACE, "worker")), 4)

    def test_3_rollback_to_the_first(self):
        plane.helm("rollback", "neurality", "1", "-n", self.NAMESPACE, "--wait", "--timeout", "120s")
        self.assertEqual(images(self.NAMESPACE, "worker"), {"ghcr.io/neurality-health/voice-agent:old"})

    def test_4_evictions_take_one_worker_at_a_time(self):
        first, second = [pod["metadata"]["name"] for pod in running(self.NAMESPACE, "worker")][:2]
        tools.wait_until("the budget", 20, lambda: self.allowed() == 1)
        # No node takes the replacement yet.
        self.cordon(True)
        self.addCleanup(self.cordon, False)
        self.evict(first)
        with self.assertRaisesRegex(tools.Failed, "429.*disruption budget"):
            self.evict(second)
        self.cordon(False)
        tools.wait_until("the budget again", 30, lambda: self.allowed() == 1)
        self.evict(second)

    def cordon(self, closed):
        for node in plane.items("/api/v1/nodes"):
            plane.patch(f"/api/v1/nodes/{node['metadata']['name']}", {"spec": {"unschedulable": closed}})

    def allowed(self):
        return plane.get(f"/apis/policy/v1/namespaces/{self.NAMESPACE}/poddisruptionbudgets/neurality-worker")[
            "status"
        ]["disruptionsAllowed"]

    def evict(self, name):
        plane.post(
            f"/api/v1/namespaces/{self.NAMESPACE}/pods/{name}/eviction",
            {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}},
        )

"""What needs no server: chart, schemas, alerts, dashboards, and that documents and files agree."""

import json
import pathlib
import re
import unittest

from harness import schemas, tools
from harness.tools import BIN, CHART, PROFILES, ROOT

RULES = ROOT / "deploy/prometheus/rules/neurality.yaml"


def render(profile, *arguments, check=True):
    return tools.run(
        BIN / "helm", "template", "neurality", CHART, "-n", "voice", *tools.values(profile), *arguments, check=check
    )


class Chart(unittest.TestCase):
    def test_values_and_readme_are_up_to_date(self):
        tools.run("python3", ROOT / "helm/render.py", "--check")

    def test_lint(self):
        for profile in PROFILES:
            with self.subTest(profile):
                tools.helm("lint", "--strict", CHART, *tools.values(profile))

    def test_unit_tests(self):
        said = tools.run(BIN / "untt", CHART, "--strict").stdout
        self.assertRegex(said, r"Tests:\s+[1-9]\d+ passed, \d+ total")

    def test_every_profile_is_valid_to_the_last_field(self):
        location = schemas.write(tools.fresh_dir("schemas"))
        more = [
            "--set",
            "secrets.mode=external,secrets.external.storeName=vault",
            "--set",
            "ingress.enabled=false,gatewayApi.enabled=true,gatewayApi.parentRefs[0].name=public",
        ]
        for name, profile, arguments in [(p, p, []) for p in PROFILES] + [
            ("alternatives", "production", more),
            ("hpa", "production", ["--set", "autoscaling.mode=hpa"]),
        ]:
            with self.subTest(name):
                manifests = tools.WORK / f"{name}.yaml"
                manifests.write_text(render(profile, *arguments).stdout)
                said = tools.run(
                    BIN / "kubeconform",
                    "-strict",
                    "-summary",
                    "-output",
                    "json",
                    "-schema-location",
                    location,
                    manifests,
                ).stdout
                summary = json.loads(said)["summary"]
                self.assertEqual((summary["invalid"], summary["errors"], summary["skipped"]), (0, 0, 0))
                self.assertGreater(summary["valid"], 15)

    def test_kubeconform_refuses_a_field_that_does_not_exist(self):
        location = schemas.write(tools.fresh_dir("schemas"))
        manifests = tools.WORK / "broken.yaml"
        manifests.write_text(render("production").stdout.replace("pollingInterval:", "pollingIntervall:"))
        done = tools.run(BIN / "kubeconform", "-strict", "-schema-location", location, manifests, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("pollingIntervall", done.stdout)

    def test_a_bad_value_is_refused_with_its_name(self):
        for setting, said in {
            "worker.maxCalls=0": "/worker/maxCalls",
            "worker.maxCals=10": "maxCals",
            "livekit.sipTransport=sctp": "/livekit/sipTransport",
            "publicUrl=voice.example.com": "/publicUrl",
            "publicUrl=": "/publicUrl",
            "image.digest=sha256:abc": "/image/digest",
            "autoscaling.mode=vpa": "/autoscaling/mode",
            "networkPolicies.dataCidrs[0]=postgres": "/networkPolicies/dataCidrs/0",
            "providers.llm[0]=gemini": "/providers/llm/0",
        }.items():
            with self.subTest(setting):
                done = render("production", "--set", setting, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(said.replace("/", ".").strip("."), done.stderr.replace("/", ".").replace("'", ""))

    def test_the_defaults_alone_are_refused_with_what_is_missing(self):
        done = tools.run(BIN / "helm", "template", "neurality", CHART, check=False)
        self.assertIn("publicUrl", done.stderr)


class Configuration(unittest.TestCase):
    """What the chart and compose write is what the product reads."""

    def check(self, name, text):
        folder = tools.fresh_dir(f"config-{name}")
        for path in set(re.findall(r"/run/secrets/[\w./-]+", text)):
            entry = folder / pathlib.Path(path).name
            entry.write_text("secret")
            text = text.replace(f"{path}\n", f"{entry}\n").replace(f"{path} }}", f"{entry} }}")
        self.assertNotIn("/run/secrets", text)
        path = folder / "neurality.yaml"
        path.write_text(text)
        tools.run(ROOT / "target/debug/neurality", "--config", path, "check-config")

    def test_every_role_of_every_profile_has_a_valid_one(self):
        for profile in PROFILES:
            documents = render(profile, "-s", "templates/config.yaml", "-s", "templates/jobs.yaml").stdout.split(
                "\n---\n"
            )
            configs = {role: text for document in documents for role, text in self.configs(document)}
            self.assertGreaterEqual(configs.keys(), {"gateway.yaml", "worker.yaml", "provision.yaml", "migrate.yaml"})
            for role, text in configs.items():
                with self.subTest(profile, role=role):
                    self.check(f"{profile}-{role}", text)

    def configs(self, document):
        """The configuration files in a rendered document, if it is a ConfigMap of such."""
        if "kind: ConfigMap" not in document or "-clinics\n" in document:
            return []
        path = tools.WORK / "document.yaml"
        path.write_text(document)
        return tools.from_yaml(path)["data"].items()

    def test_compose_has_a_valid_one(self):
        self.check("compose", (ROOT / "deploy/compose/neurality.yaml").read_text())


class Alerts(unittest.TestCase):
    def setUp(self):
        self.names = re.findall(r"- alert: (\w+)", RULES.read_text())

    def test_rules_are_valid(self):
        tools.run(tools.program("promtool"), "check", "rules", RULES)

    def test_rules_do_as_their_tests_say(self):
        tools.run(tools.program("promtool"), "test", "rules", RULES.with_suffix(".test.yaml"))

    def test_every_alert_is_tested_and_in_the_runbook(self):
        tests, runbook = RULES.with_suffix(".test.yaml").read_text(), (ROOT / "docs/RUNBOOK.md").read_text()
        for name in self.names:
            self.assertIn(f'alertname="{name}"', tests)
            self.assertIn(f"\n### {name}\n", runbook)
        self.assertEqual(re.findall(r"\n### (Neurality\w+)\n", runbook), self.names)

    def test_alertmanager_accepts_its_configuration(self):
        tools.run(tools.program("amtool"), "check-config", ROOT / "deploy/prometheus/alertmanager.yml")

    def test_prometheus_accepts_its_configuration(self):
        tools.run(tools.program("promtool"), "check", "config", "--syntax-only", ROOT / "deploy/compose/prometheus.yml")


class Metrics(unittest.TestCase):
    """A name in a dashboard, a rule or the chart is in the catalogue, and all of the catalogue is used."""

    def used(self):
        files = [*(ROOT / "dashboards").glob("*.json"), RULES, CHART / "templates/autoscaling.yaml"]
        names = {name for path in files for name in re.findall(r"neurality_[a-z0-9_]+", path.read_text())}
        return {re.sub(r"_(bucket|count|sum)$", "", name) for name in names}

    def test_names_used_exist(self):
        self.assertEqual(sorted(self.used() - tools.catalogue()), [])

    def test_names_that_exist_are_used(self):
        self.assertEqual(sorted(tools.catalogue() - self.used()), [])

    def test_dashboards_are_up_to_date(self):
        tools.run("python3", ROOT / "dashboards/build.py", "--check")


class Compose(unittest.TestCase):
    def test_what_it_names_exists(self):
        compose = tools.from_yaml(ROOT / "deploy/compose.yaml")
        for name, service in compose["services"].items():
            with self.subTest(name):
                for kind in ("secrets", "configs"):
                    for entry in service.get(kind, []):
                        self.assertIn(entry if isinstance(entry, str) else entry["source"], compose[kind])
                for volume in service.get("volumes", []):
                    source = volume.split(":")[0]
                    if source.startswith("."):
                        self.assertTrue((ROOT / "deploy" / source).exists(), source)
                    else:
                        self.assertIn(source, compose["volumes"])
                for other in service.get("depends_on", {}):
                    self.assertIn(other, compose["services"])
        for config in compose["configs"].values():
            self.assertTrue((ROOT / "deploy" / config["file"]).is_file(), config["file"])


class Image(unittest.TestCase):
    def test_the_stage_that_fetches_model_files_runs(self):
        said = tools.run("python3", ROOT / "deploy/image-steps.py").stdout
        self.assertIn("product: /opt/neurality/libonnxruntime.so", said)
        self.assertIn("product: /opt/neurality/silero_vad.onnx", said)

    def test_versions_agree(self):
        def first(pattern, name):
            return re.search(pattern, (ROOT / name).read_text(), re.M).group(1)

        self.assertEqual(
            first(r"^ARG RUST_VERSION=(\S+)", "Dockerfile"), first(r'channel = "(\S+)"', "rust-toolchain.toml")
        )
        version = first(r'^version = "(\S+)"', "Cargo.toml")
        self.assertEqual(version, first(r"^appVersion: (\S+)", "helm/neurality/Chart.yaml"))
        for name in ("helm/neurality/values.yaml", "deploy/compose.yaml"):
            self.assertIn(f"voice-agent-simulators:{version}", (ROOT / name).read_text())

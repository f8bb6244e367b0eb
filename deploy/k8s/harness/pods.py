"""A kubelet of sorts: each pod of a namespace is a real process of the product, with the image's file tree, the environment, arguments, configuration
and secrets that its manifest gives, as its user, on a read-only root.

Two things differ from a cluster: all pods share the machine's network, so each gets a listen address of its own by one environment variable, and
Services are names in /etc/hosts. A pod that is deleted gets SIGTERM and is released when its process has ended.
"""

import base64
import datetime
import json
import os
import shlex
import signal
import subprocess
import threading
import time
import urllib.request

from . import tools

PROBE_SECONDS = 1
LISTEN = {"gateway": "NEURALITY__GATEWAY__LISTEN", "worker": "NEURALITY__WORKER__LISTEN"}
# As the Dockerfile lays them out.
IMAGE = {
    "usr/local/bin/neurality": tools.ROOT / "target/debug/neurality",
    "opt/neurality/libonnxruntime.so": tools.ROOT / "target/tools/onnx/libonnxruntime.so",
    "opt/neurality/silero_vad.onnx": tools.ROOT / "target/tools/models/silero_vad.onnx",
}


class Container:
    """One container of a pod as a process."""

    def __init__(self, pod, spec, root, port):
        self.name, self.spec, self.root, self.port = spec["name"], spec, root, port
        self.log = root.with_suffix(f".{self.name}.log")
        security = pod["spec"]["securityContext"]
        self.user, self.group = security["runAsUser"], security["fsGroup"]
        self.process, self.started = None, False

    def start(self):
        env = {entry["name"]: entry["value"] for entry in self.spec.get("env", [])}
        command = self.spec["args"]
        if command[0] in LISTEN:
            env[LISTEN[command[0]]] = f"127.0.0.1:{self.port}"
        script = ["mount --make-rprivate /", f"mount --bind {self.root} {self.root}"]
        script += [
            f"mount --rbind {path} {self.root}{path}"
            for path in ("/usr/lib", "/usr/lib64", "/dev", "/proc")
            if os.path.isdir(path)
        ]
        script += [f"mount --bind {source} {self.root}/{path}" for path, source in IMAGE.items()]
        script += [f"mount -o remount,ro,bind {self.root}"]
        program = [
            "env",
            "-i",
            *(f"{key}={value}" for key, value in env.items()),
            tools.program("chroot"),
            f"--userspec={self.user}:{self.group}",
            str(self.root),
            "/usr/local/bin/neurality",
            *command,
        ]
        script.append(f"exec setpriv --no-new-privs -- {shlex.join(program)}")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-ec", "\n".join(script)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self):
        """As the manifest's probes have it: first the one of the start, then that of readiness."""
        self.started = self.started or self.probe("startupProbe")
        return self.started and self.probe("readinessProbe")

    def probe(self, kind):
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{self.spec[kind]['httpGet']['path']}", timeout=PROBE_SECONDS
            ) as answer:
                return answer.status == 200
        except OSError:
            return False

    def status(self, ready):
        code = self.process.poll()
        state = (
            {"running": {"startedAt": now()}}
            if code is None
            else {
                "terminated": {
                    "exitCode": abs(code),
                    "startedAt": now(),
                    "finishedAt": now(),
                    "reason": "Completed" if code == 0 else "Error",
                }
            }
        )
        return {
            "name": self.name,
            "image": self.spec["image"],
            "imageID": "",
            "ready": ready,
            "started": code is None,
            "restartCount": 0,
            "state": state,
        }


class Pod:
    """A pod and its processes."""

    def __init__(self, kubelet, manifest):
        self.kubelet, self.manifest = kubelet, manifest
        self.name, self.namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        self.component = manifest["metadata"]["labels"].get("app.kubernetes.io/component", "")
        self.told = self.deleted_at = self.signalled_at = None
        self.once = manifest["spec"]["restartPolicy"] == "Never"
        self.port = kubelet.port_for(self.component)
        self.containers = [
            Container(manifest, spec, self.lay_out(spec), self.port) for spec in manifest["spec"]["containers"]
        ]
        for container in self.containers:
            container.start()

    def lay_out(self, spec):
        """The container's file tree: mount points, configuration, secrets."""
        root = self.kubelet.folder / f"{self.name}.{spec['name']}"
        for folder in ("usr/lib", "usr/lib64", "usr/local/bin", "opt/neurality", "dev", "proc", "etc", "tmp"):
            (root / folder).mkdir(parents=True)
        for link in ("lib", "lib64"):
            (root / link).symlink_to(f"usr/{link}")
        for path in IMAGE:
            (root / path).touch()
        (root / "etc/hosts").write_text("127.0.0.1 localhost " + " ".join(self.kubelet.services(self.namespace)) + "\n")
        group = self.manifest["spec"]["securityContext"]["fsGroup"]
        mounts = {mount["name"]: mount["mountPath"] for mount in spec["volumeMounts"]} if "volumeMounts" in spec else {}
        for volume in self.manifest["spec"].get("volumes", []):
            if volume["name"] in mounts:
                self.kubelet.write_volume(self.namespace, volume, root / mounts[volume["name"]].strip("/"), group)
        return root

    def step(self, manifest):
        """One look at the pod: start, tell, signal, release."""
        deleted = manifest["metadata"].get("deletionTimestamp")
        if deleted and not self.deleted_at:
            self.deleted_at = time.monotonic()
        if self.deleted_at:
            self.end(manifest)
            return
        codes = [container.process.poll() for container in self.containers]
        if self.once:
            self.tell("Running" if None in codes else "Failed" if any(codes) else "Succeeded", False)
        elif any(code is not None for code in codes):
            self.kubelet.crashes.append((self.name, codes, self.tail()))
            self.tell("Failed", False)
        else:
            self.tell("Running", all(container.ready() for container in self.containers))

    def end(self, manifest):
        pre_stop = (
            self.manifest["spec"]["containers"][0]
            .get("lifecycle", {})
            .get("preStop", {})
            .get("sleep", {})
            .get("seconds", 0)
        )
        waited = time.monotonic() - self.deleted_at
        grace = manifest["metadata"].get("deletionGracePeriodSeconds", 30)
        if self.signalled_at is None and (waited >= pre_stop or self.once):
            self.signalled_at = time.monotonic()
            self.signal(signal.SIGTERM)
        codes = [container.process.poll() for container in self.containers]
        if waited > grace and None in codes:
            self.kubelet.killed.append(self.name)
            self.signal(signal.SIGKILL)
        elif None not in codes:
            self.kubelet.ended.append(
                (self.name, self.component, codes, time.monotonic() - (self.signalled_at or self.deleted_at))
            )
            self.kubelet.forget(self)

    def signal(self, which):
        for container in self.containers:
            if container.process.poll() is None:
                container.process.send_signal(which)

    def tell(self, phase, ready):
        if self.told == (phase, ready):
            return
        self.told = (phase, ready)
        condition = {"status": "True" if ready else "False", "lastTransitionTime": now()}
        status = {
            "phase": phase,
            "startTime": now(),
            "hostIP": "127.0.0.1",
            "conditions": [
                {"type": "Initialized", "status": "True", "lastTransitionTime": now()},
                {"type": "Ready", **condition},
                {"type": "ContainersReady", **condition},
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": now()},
            ],
            "containerStatuses": [container.status(ready) for container in self.containers],
        }
        self.kubelet.plane.patch(f"/api/v1/namespaces/{self.namespace}/pods/{self.name}/status", {"status": status})

    def tail(self):
        return "\n".join(container.log.read_text()[-1500:] for container in self.containers)


class Kubelet:
    """Runs the pods of some namespaces until it is stopped, and writes what Prometheus shall scrape."""

    def __init__(self, plane, namespaces, gateway_port):
        self.plane, self.namespaces, self.gateway_port = plane, namespaces, gateway_port
        self.folder = tools.fresh_dir("pods")
        self.targets = self.folder / "targets.json"
        self.pods, self.crashes, self.ended, self.killed, self.error = {}, [], [], [], None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.loop, name="kubelet", daemon=True)

    def __enter__(self):
        self.targets.write_text("[]")
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(20)
        for pod in self.pods.values():
            pod.signal(signal.SIGKILL)

    def loop(self):
        while not self.stopping.wait(0.3):
            try:
                for namespace in self.namespaces:
                    self.look(namespace)
                self.error = None
            except Exception as error:  # noqa: BLE001 - shown by the tests; the next look may be better
                self.error = error

    def look(self, namespace):
        manifests = self.plane.items(f"/api/v1/namespaces/{namespace}/pods")
        for manifest in manifests:
            uid = manifest["metadata"]["uid"]
            if uid not in self.pods and manifest["spec"].get("nodeName") and manifest["status"]["phase"] == "Pending":
                self.pods[uid] = Pod(self, manifest)
                self.write_targets()
            if uid in self.pods:
                self.pods[uid].step(manifest)

    def forget(self, pod):
        self.plane.delete(f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}", grace=0)
        self.pods.pop(pod.manifest["metadata"]["uid"])
        self.write_targets()

    def port_for(self, component):
        # The callers and LiveKit's webhook know one gateway's port.
        taken = any(pod.component == "gateway" and not pod.signalled_at for pod in self.pods.values())
        return self.gateway_port if component == "gateway" and not taken else tools.free_port()

    def of(self, component):
        return [pod for pod in list(self.pods.values()) if pod.component == component]

    def write_targets(self):
        entries = [
            {
                "targets": [f"127.0.0.1:{pod.port}"],
                "labels": {"namespace": pod.namespace, "pod": pod.name, "component": pod.component},
            }
            for pod in self.pods.values()
            if pod.component in LISTEN
        ]
        fresh = self.targets.with_suffix(".new")
        fresh.write_text(json.dumps(entries))
        fresh.rename(self.targets)

    def services(self, namespace):
        return [service["metadata"]["name"] for service in self.plane.items(f"/api/v1/namespaces/{namespace}/services")]

    def write_volume(self, namespace, volume, folder, group):
        if "configMap" in volume:
            source = volume["configMap"]
            data = self.plane.get(f"/api/v1/namespaces/{namespace}/configmaps/{source['name']}")["data"]
            mode = 0o444
        elif "secret" in volume:
            source = volume["secret"]
            encoded = self.plane.get(f"/api/v1/namespaces/{namespace}/secrets/{source['secretName']}")["data"]
            data = {key: base64.b64decode(value).decode() for key, value in encoded.items()}
            mode = source.get("defaultMode", 0o644)
        else:
            raise tools.Failed(f"volume {volume} is of a kind that is not played here")
        folder.mkdir(parents=True, exist_ok=True)
        items = source.get("items") or [{"key": key, "path": key} for key in data]
        for item in items:
            path = folder / item["path"]
            path.write_text(data[item["key"]])
            path.chmod(mode)
            os.chown(path, 0, group)


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

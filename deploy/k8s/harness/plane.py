"""A real Kubernetes control plane on loopback: etcd, API server, controller manager, scheduler; kwok plays the nodes.

True in it: validation, admission, RBAC, scheduling, controllers, helm. Not true: images, probes, commands never run; what shall run is a process
that the tests start themselves (pods.py). Everything dies with the test.
"""

import base64
import json
import os
import pathlib
import secrets
import signal
import ssl
import subprocess
import urllib.error
import urllib.request

from . import tools

ADMIN = "admin"


class Child:
    """A server process with a log. It is killed when this process dies, and stopped with the plane."""

    def __init__(self, folder, name, command, env=None):
        self.name, self.log = name, folder / f"{name}.log"
        command = ["setpriv", "--pdeathsig", "TERM", "--", *map(str, command)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    def alive(self):
        if self.process.poll() is not None:
            raise tools.Failed(f"{self.name} ended:\n{self.log.read_text()[-3000:]}")
        return True

    def stop(self, limit=15):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Certificates:
    """A certificate authority for one run."""

    def __init__(self, folder):
        self.folder = folder
        self.openssl(
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=test",
            "-keyout",
            "ca.key",
            "-out",
            "ca.crt",
        )
        self.openssl("genrsa", "-out", "sa.key", "2048")
        self.openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")

    def openssl(self, *arguments):
        tools.run("openssl", *arguments, cwd=self.folder)

    def path(self, name):
        return self.folder / name

    def issue(self, name, subject, hosts=()):
        self.openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr"
        )
        extensions = ["extendedKeyUsage=serverAuth,clientAuth"]
        if hosts:
            extensions.append(
                "subjectAltName=" + ",".join(f"IP:{host}" if host[0].isdigit() else f"DNS:{host}" for host in hosts)
            )
        (self.folder / f"{name}.ext").write_text("\n".join(extensions))
        self.openssl(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            f"{name}.ext",
            "-out",
            f"{name}.crt",
        )


class Plane:
    """The control plane. `get`, `post`, `patch` and `delete` talk to its API."""

    def __init__(self, name="plane"):
        self.folder = tools.fresh_dir(name)
        self.port, self.token = tools.free_port(), secrets.token_hex(16)
        self.certificates = Certificates(self.folder)
        self.kubeconfig = self.folder / "kubeconfig"
        self.children = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        certs = self.certificates
        certs.issue("server", "/CN=kube-apiserver", ["127.0.0.1", "localhost", "kubernetes.default.svc"])
        certs.issue("front-proxy", "/CN=front-proxy-client")
        (self.folder / "tokens.csv").write_text(f'{self.token},{ADMIN},{ADMIN},"system:masters"\n')
        self.write_kubeconfig()
        self.context = ssl.create_default_context(cafile=certs.path("ca.crt"))
        etcd = self.start_etcd()
        self.start_apiserver(etcd)
        tools.wait_until(
            "the API server", 60, lambda: self.children[-1].alive() and self.raw("GET", "/readyz") == b"ok"
        )
        self.child(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--service-account-private-key-file={certs.path('sa.key')}",
            f"--root-ca-file={certs.path('ca.crt')}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={tools.free_port()}",
            "--horizontal-pod-autoscaler-sync-period=2s",
            "--horizontal-pod-autoscaler-downscale-stabilization=5s",
            "--concurrent-gc-syncs=5",
        )
        self.child(
            "kube-scheduler",
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={tools.free_port()}",
        )
        self.child(
            "kwok",
            f"--kubeconfig={self.kubeconfig}",
            "--manage-all-nodes=true",
            "--cidr=10.244.0.0/16",
            "--node-ip=127.0.0.1",
            "--node-lease-duration-seconds=40",
            f"--config={pathlib.Path(__file__).parent / 'stages.yaml'}",
            f"--server-address=127.0.0.1:{tools.free_port()}",
        )
        for number in range(3):
            self.add_node(number)
        tools.wait_until("the nodes", 40, lambda: self.ready_nodes() == 3)

    def start_etcd(self):
        client, peer = tools.free_port(), tools.free_port()
        self.child(
            "etcd",
            f"--data-dir={self.folder / 'etcd-data'}",
            f"--listen-client-urls=http://127.0.0.1:{client}",
            f"--advertise-client-urls=http://127.0.0.1:{client}",
            f"--listen-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
            f"--initial-cluster=default=http://127.0.0.1:{peer}",
            "--unsafe-no-fsync",
        )
        return f"http://127.0.0.1:{client}"

    def start_apiserver(self, etcd):
        path = self.certificates.path
        self.child(
            "kube-apiserver",
            f"--etcd-servers={etcd}",
            f"--secure-port={self.port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={path('server.crt')}",
            f"--tls-private-key-file={path('server.key')}",
            f"--client-ca-file={path('ca.crt')}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={path('sa.pub')}",
            f"--service-account-signing-key-file={path('sa.key')}",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--enable-aggregator-routing=false",
            f"--requestheader-client-ca-file={path('ca.crt')}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={path('front-proxy.crt')}",
            f"--proxy-client-key-file={path('front-proxy.key')}",
        )

    def child(self, program, *arguments):
        self.children.append(Child(self.folder, program, [tools.BIN / program, *arguments]))
        return self.children[-1]

    def stop(self):
        for child in reversed(self.children):
            child.stop()
        self.children.clear()

    def write_kubeconfig(self):
        authority = base64.b64encode(self.certificates.path("ca.crt").read_bytes()).decode()
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [
                {
                    "name": "test",
                    "cluster": {"server": f"https://127.0.0.1:{self.port}", "certificate-authority-data": authority},
                }
            ],
            "users": [{"name": ADMIN, "user": {"token": self.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": ADMIN}}],
        }
        self.kubeconfig.write_text(json.dumps(config))
        self.kubeconfig.chmod(0o600)

    def helm(self, *arguments, **more):
        return tools.helm("--kubeconfig", self.kubeconfig, *arguments, **more)

    # --- the API -------------------------------------------------------------------------------------------------------------------

    def raw(self, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(
            f"https://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise tools.Failed(f"{method} {path}: {error.code} {error.read().decode()[:800]}") from error

    def get(self, path):
        return json.loads(self.raw("GET", path))

    def items(self, path):
        return self.get(path)["items"]

    def post(self, path, body):
        return json.loads(self.raw("POST", path, body))

    def patch(self, path, body):
        return json.loads(self.raw("PATCH", path, body, "application/merge-patch+json"))

    def delete(self, path, grace=None):
        return self.raw(
            "DELETE",
            path,
            {"apiVersion": "v1", "kind": "DeleteOptions", **({} if grace is None else {"gracePeriodSeconds": grace})},
        )

    def add_node(self, number):
        labels = {
            "kubernetes.io/hostname": f"node-{number}",
            "topology.kubernetes.io/zone": f"zone-{number}",
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
        }
        capacity = {"cpu": "64", "memory": "256Gi", "pods": "200"}
        self.post(
            "/api/v1/nodes",
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": f"node-{number}", "labels": labels},
                "status": {"capacity": capacity, "allocatable": capacity},
            },
        )

    def ready_nodes(self):
        conditions = [
            condition for node in self.items("/api/v1/nodes") for condition in node["status"].get("conditions", [])
        ]
        return sum(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def add_volumes(self, count):
        """Volumes for claims without a class."""
        for number in range(count):
            spec = {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": f"/nowhere/{number}"},
                "persistentVolumeReclaimPolicy": "Retain",
            }
            self.post(
                "/api/v1/persistentvolumes",
                {
                    "apiVersion": "v1",
                    "kind": "PersistentVolume",
                    "metadata": {"name": f"volume-{number}"},
                    "spec": spec,
                },
            )

    def add_crds(self):
        for path in tools.crd_files():
            crd = tools.from_yaml(path)
            crd.pop("status", None)
            self.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        wanted = len(tools.crd_files())
        tools.wait_until(
            "the CRDs",
            30,
            lambda: (
                sum(established(crd) for crd in self.items("/apis/apiextensions.k8s.io/v1/customresourcedefinitions"))
                >= wanted
            ),
        )

    def add_namespace(self, name):
        """A namespace that admits only what passes Pod Security `restricted`."""
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
        self.post(
            "/api/v1/namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
        )
        tools.wait_until(
            "the default account", 20, lambda: self.get(f"/api/v1/namespaces/{name}/serviceaccounts/default")
        )

    def add_secret(self, namespace, name, entries):
        self.post(
            f"/api/v1/namespaces/{namespace}/secrets",
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": entries},
        )

    def add_api_service(self, group_version, namespace, name, port):
        """Lets the API server find an API at a port of this machine: its Service is only a name for that."""
        group, version = group_version.split("/")
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"name": "https", "port": port}]}
        self.post(
            f"/api/v1/namespaces/{namespace}/services",
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec},
        )
        authority = base64.b64encode(self.certificates.path("ca.crt").read_bytes()).decode()
        spec = {
            "group": group,
            "version": version,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "caBundle": authority,
            "service": {"name": name, "namespace": namespace, "port": port},
        }
        path = "/apis/apiregistration.k8s.io/v1/apiservices"
        self.post(
            path,
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": f"{version}.{group}"},
                "spec": spec,
            },
        )
        tools.wait_until(f"{group_version}", 90, lambda: available(self.get(f"{path}/{version}.{group}")), 1)


def available(api_service):
    return any(
        c["type"] == "Available" and c["status"] == "True" for c in api_service.get("status", {}).get("conditions", [])
    )


def established(crd):
    return any(
        c["type"] == "Established" and c["status"] == "True" for c in crd.get("status", {}).get("conditions", [])
    )

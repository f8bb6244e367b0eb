"""KEDA's operator and metrics server as processes beside the control plane."""

import base64
import shutil

from . import tools
from .plane import Child

NAMESPACE = "keda"
SERVICE = "keda-metrics-apiserver"


class Keda:
    """Both processes, and the API service through which the HorizontalPodAutoscaler asks them."""

    def __init__(self, plane):
        self.plane, self.folder = plane, tools.fresh_dir("keda")
        plane.add_namespace(NAMESPACE)
        certificates = self.certificates()
        grpc, self.port = tools.free_port(), tools.free_port()
        env = {"KUBECONFIG": str(plane.kubeconfig), "WATCH_NAMESPACE": "", "POD_NAMESPACE": NAMESPACE, "POD_NAME": "keda", "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE}
        self.children = [
            Child(self.folder, "keda-operator", [
                tools.BIN / "keda-operator", f"--cert-dir={certificates}", "--enable-cert-rotation=false", "--leader-elect=false", "--zap-log-level=info",
                f"--metrics-service-bind-address=127.0.0.1:{grpc}", f"--metrics-bind-address=127.0.0.1:{tools.free_port()}", f"--health-probe-bind-address=127.0.0.1:{tools.free_port()}",
            ], env),
            Child(self.folder, "keda-adapter", [
                tools.BIN / "keda-adapter", f"--secure-port={self.port}", "--bind-address=127.0.0.1", f"--port={tools.free_port()}", f"--metrics-service-address=localhost:{grpc}",
                f"--cert-dir={certificates}", f"--tls-cert-file={certificates / 'tls.crt'}", f"--tls-private-key-file={certificates / 'tls.key'}", f"--client-ca-file={certificates / 'ca.crt'}",
                f"--lister-kubeconfig={plane.kubeconfig}", f"--authentication-kubeconfig={plane.kubeconfig}", f"--authorization-kubeconfig={plane.kubeconfig}",
            ], env),
        ]
        self.register()
        tools.wait_until("KEDA's metrics API", 90, lambda: all(child.alive() for child in self.children) and self.available(), 1)

    def certificates(self):
        folder = self.folder / "certificates"
        folder.mkdir()
        self.plane.certificates.issue("keda", "/CN=keda", ["127.0.0.1", "localhost", f"{SERVICE}.{NAMESPACE}.svc", f"keda-operator.{NAMESPACE}.svc"])
        for source, name in (("ca.crt", "ca.crt"), ("keda.crt", "tls.crt"), ("keda.key", "tls.key")):
            shutil.copy(self.plane.certificates.path(source), folder / name)
        return folder

    def register(self):
        """The API server finds the adapter by a Service that is only a name for this machine."""
        spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"name": "https", "port": self.port}]}
        self.plane.post(f"/api/v1/namespaces/{NAMESPACE}/services", {"apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE}, "spec": spec})
        authority = base64.b64encode(self.plane.certificates.path("ca.crt").read_bytes()).decode()
        spec = {"group": "external.metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100, "caBundle": authority, "service": {"name": SERVICE, "namespace": NAMESPACE, "port": self.port}}
        self.plane.post("/apis/apiregistration.k8s.io/v1/apiservices", {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.external.metrics.k8s.io"}, "spec": spec})

    def available(self):
        conditions = self.plane.get("/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io")["status"].get("conditions", [])
        return any(c["type"] == "Available" and c["status"] == "True" for c in conditions)

    def stop(self):
        for child in self.children:
            child.stop()

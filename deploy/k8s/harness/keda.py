"""KEDA's operator and metrics server as processes beside the control plane."""

import shutil
import socket

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
        env = {
            "KUBECONFIG": str(plane.kubeconfig),
            "WATCH_NAMESPACE": "",
            "POD_NAMESPACE": NAMESPACE,
            "POD_NAME": "keda",
            "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE,
        }
        self.children = [
            Child(
                self.folder,
                "keda-operator",
                [
                    tools.BIN / "keda-operator",
                    f"--cert-dir={certificates}",
                    "--enable-cert-rotation=false",
                    "--leader-elect=false",
                    "--zap-log-level=info",
                    f"--metrics-service-bind-address=127.0.0.1:{grpc}",
                    f"--metrics-bind-address=127.0.0.1:{tools.free_port()}",
                    f"--health-probe-bind-address=127.0.0.1:{tools.free_port()}",
                ],
                env,
            ),
            Child(
                self.folder,
                "keda-adapter",
                [
                    tools.BIN / "keda-adapter",
                    f"--secure-port={self.port}",
                    "--bind-address=127.0.0.1",
                    f"--port={tools.free_port()}",
                    f"--metrics-service-address=localhost:{grpc}",
                    f"--cert-dir={certificates}",
                    f"--tls-cert-file={certificates / 'tls.crt'}",
                    f"--tls-private-key-file={certificates / 'tls.key'}",
                    f"--client-ca-file={certificates / 'ca.crt'}",
                    f"--lister-kubeconfig={plane.kubeconfig}",
                    f"--authentication-kubeconfig={plane.kubeconfig}",
                    f"--authorization-kubeconfig={plane.kubeconfig}",
                ],
                env,
            ),
        ]
        tools.wait_until(
            "KEDA's adapter", 90, lambda: all(child.alive() for child in self.children) and listens(self.port), 1
        )
        plane.add_api_service("external.metrics.k8s.io/v1beta1", NAMESPACE, SERVICE, self.port)

    def certificates(self):
        folder = self.folder / "certificates"
        folder.mkdir()
        self.plane.certificates.issue(
            "keda",
            "/CN=keda",
            ["127.0.0.1", "localhost", f"{SERVICE}.{NAMESPACE}.svc", f"keda-operator.{NAMESPACE}.svc"],
        )
        for source, name in (("ca.crt", "ca.crt"), ("keda.crt", "tls.crt"), ("keda.key", "tls.key")):
            shutil.copy(self.plane.certificates.path(source), folder / name)
        return folder

    def stop(self):
        for child in self.children:
            child.stop()


def listens(port):
    with socket.create_connection(("127.0.0.1", port), 1):
        return True

"""Plays prometheus-adapter for the HPA alternative: external metrics by the rules of docs/operations/autoscaling.md, out of a Prometheus.

The API server, the HorizontalPodAutoscaler and its controller are real; so are the queries.
"""

import http.server
import json
import ssl
import threading

from . import tools
from .pods import now

GROUP = "external.metrics.k8s.io/v1beta1"
METRICS = ("neurality_pool_demand_calls", "neurality_queue_waiting_calls")


class Adapter:
    """An aggregated API server on loopback."""

    def __init__(self, plane, prometheus):
        self.prometheus = prometheus
        plane.certificates.issue("adapter", "/CN=adapter", ["127.0.0.1", "localhost", "adapter.kube-system.svc"])
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(plane.certificates.path("adapter.crt"), plane.certificates.path("adapter.key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        plane.add_api_service(GROUP, "kube-system", "adapter", self.server.server_port)

    def stop(self):
        self.server.shutdown()

    def answer(self, path):
        """What a GET is answered, or nothing if there is no answer."""
        parts = path.partition("?")[0].strip("/").split("/")
        if parts == ["apis", *GROUP.split("/")]:
            resources = [
                {
                    "name": name,
                    "namespaced": True,
                    "kind": "ExternalMetricValueList",
                    "singularName": "",
                    "verbs": ["get"],
                }
                for name in METRICS
            ]
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP, "resources": resources}
        if len(parts) == 6 and parts[3] == "namespaces" and parts[5] in METRICS:
            return self.metric(parts[4], parts[5])
        return None

    def metric(self, namespace, name):
        value = self.prometheus.value(f'max({name}{{namespace="{namespace}"}})')
        if value is None:
            return None
        item = {"metricName": name, "metricLabels": {}, "timestamp": now(), "value": f"{round(value * 1000)}m"}
        return {"kind": "ExternalMetricValueList", "apiVersion": GROUP, "metadata": {}, "items": [item]}


def handler(adapter):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            try:
                found = adapter.answer(self.path)
            except (OSError, tools.Failed):
                found = None
            body = json.dumps(
                found or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}
            ).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler

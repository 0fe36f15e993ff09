"""The status of a gateway process as a page, JSON and Prometheus metrics."""

from edge.status.gateway_metrics import GatewayCollector
from edge.status.server import StatusPages, serve_status
from edge.status.snapshot import StatusSnapshot

__all__ = ["GatewayCollector", "StatusPages", "StatusSnapshot", "serve_status"]

"""What a gateway process says of itself to whoever stands beside it: a page, JSON and Prometheus metrics."""

from edge.status.gateway_metrics import GatewayCollector
from edge.status.server import StatusPages, serve_status
from edge.status.snapshot import Board

__all__ = ["Board", "GatewayCollector", "StatusPages", "serve_status"]

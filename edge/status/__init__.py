"""What a gateway process says of itself to whoever stands beside it: a page, JSON and Prometheus metrics."""

from edge.status.board import Board
from edge.status.metrics import GatewayCollector
from edge.status.server import StatusPages, serve_status

__all__ = ["Board", "GatewayCollector", "StatusPages", "serve_status"]

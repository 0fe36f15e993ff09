"""Messages about devices that belong to another gateway: counted, and logged once per sender."""

import structlog

from cloud.ingest.batch import Node
from cloud.ingest.metrics import FOREIGN

log = structlog.get_logger(__name__)


class ForeignReporter:
    """Reports a sender once: a wrongly configured gateway repeats itself with every message."""

    def __init__(self) -> None:
        self._reported: set[Node] = set()

    def foreign_message(self, node: Node, device_id: str) -> None:
        """Count a message of `node` about `device_id`, which is not its own."""
        FOREIGN.inc()
        if node not in self._reported:
            self._reported.add(node)
            log.warning("device_of_another_gateway", gateway=node[1], area=node[0], device=device_id)

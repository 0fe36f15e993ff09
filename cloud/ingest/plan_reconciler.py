"""Lighting plans as desired state: which gateway is sent the desired plan, and when again. Pure.

A gateway reports the hash of the plan it follows at its birth and whenever that changes. While it differs
from the desired one, the document is sent again at growing intervals. A gateway that reports why it rejects a
document is not sent it again until its next birth, or until another plan is desired.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cloud.ingest.batch import Node
from cloud.plans.resolved import WantedDocument
from protocols.mapping import PlanState

FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 600.0


@dataclass(slots=True)
class _Gateway:
    """The plan that one online gateway reported, and what it was sent since."""

    reported: str
    sent: str | None = None
    refused: str | None = None
    next_s: float = 0.0
    wait_s: float = FIRST_RETRY_S


class PlanReconciler:
    """Compares the plans that gateways follow with the desired ones; times are wall seconds."""

    def __init__(self) -> None:
        self._online: dict[Node, _Gateway] = {}
        self._wanted: dict[Node, WantedDocument] = {}

    def want(self, documents: Iterable[tuple[Node, WantedDocument]]) -> None:
        """Set the desired plans; a gateway without one is left alone."""
        wanted = dict(documents)
        for node, gateway in self._online.items():
            # What was sent, rejected and waited for was the old document.
            if wanted.get(node) != self._wanted.get(node):
                self._online[node] = _Gateway(gateway.reported)
        self._wanted = wanted

    def born(self, node: Node, state: PlanState | None) -> None:
        """Note a birth; a gateway that reports no plan state takes no plans and is sent none."""
        # A new birth is a new process, which may accept what the one before rejected.
        self._online.pop(node, None)
        if state is not None:
            self._online[node] = _Gateway(state.hash)

    def reported(self, node: Node, state: PlanState) -> None:
        """Note that an online gateway follows another plan, or rejects the one it was sent."""
        gateway = self._online.get(node)
        if gateway is None:
            return
        gateway.reported = state.hash
        # A gateway does not name the document it rejects: it can only be the last one sent.
        gateway.refused = gateway.sent if state.problem else None

    def died(self, node: Node) -> None:
        """Note that a gateway is offline."""
        self._online.pop(node, None)

    def forget(self) -> None:
        """Note that every gateway may be offline."""
        self._online.clear()

    def due(self, now_s: float) -> list[tuple[Node, bytes]]:
        """Return which gateways should be sent which document at `now_s`."""
        due: list[tuple[Node, bytes]] = []
        for node, gateway in self._online.items():
            wanted = self._wanted.get(node)
            if wanted is None or now_s < gateway.next_s or gateway.refused == wanted.hash:
                continue
            if not wanted.is_in_force(gateway.reported):
                due.append((node, wanted.document))
        return due

    def sent(self, node: Node, now_s: float) -> None:
        """Note that a gateway was sent its desired document."""
        gateway, wanted = self._online.get(node), self._wanted.get(node)
        if gateway is not None and wanted is not None:
            # Being sent proves nothing: only the reported hash does, so it goes out again until then.
            gateway.sent = wanted.hash
            gateway.next_s = now_s + gateway.wait_s
            gateway.wait_s = min(LONGEST_RETRY_S, gateway.wait_s * 2)

    def waiting(self) -> int:
        """Return how many online gateways follow another plan than the desired one."""
        return sum(
            node in self._wanted and not self._wanted[node].is_in_force(gateway.reported)
            for node, gateway in self._online.items()
        )

"""Lighting plans as desired state: who should be sent the plan that is wanted, and when again. Pure.

A gateway says the hash of the plan it follows when it is born and when that changes. While it is another than
the wanted one, the document goes out again at growing intervals. A gateway that says why it refuses is not
asked again until it is born anew or another plan is wanted.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cloud.plans.resolved import WantedDocument
from protocols.mapping import PlanState

Node = tuple[str, str]
"""Sparkplug group and edge node: area and gateway."""

FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 600.0


@dataclass(slots=True)
class _Gateway:
    """What one gateway follows, and what it was sent since it said so."""

    reported: str
    sent: str | None = None
    refused: str | None = None
    next_s: float = 0.0
    wait_s: float = FIRST_RETRY_S

    def begin(self) -> None:
        """Nothing was tried yet."""
        self.sent, self.refused, self.next_s, self.wait_s = None, None, 0.0, FIRST_RETRY_S


class Reconciler:
    """Compares what gateways follow with what is wanted; times are wall seconds."""

    def __init__(self) -> None:
        self._present: dict[Node, _Gateway] = {}
        self._wanted: dict[Node, WantedDocument] = {}

    def want(self, documents: Iterable[tuple[Node, WantedDocument]]) -> None:
        """These are the plans to be followed from now on; a gateway that is not named is left alone."""
        wanted = dict(documents)
        for node, gateway in self._present.items():
            if wanted.get(node) != self._wanted.get(node):
                gateway.begin()
        self._wanted = wanted

    def born(self, node: Node, state: PlanState | None) -> None:
        """A gateway is there; one that says nothing of its plan knows no plans."""
        self._present.pop(node, None)
        if state is not None:
            self._present[node] = _Gateway(state.hash)

    def told(self, node: Node, state: PlanState) -> None:
        """A gateway that is there follows another plan, or refuses the one it was sent."""
        gateway = self._present.get(node)
        if gateway is None:
            return
        gateway.reported = state.hash
        gateway.refused = gateway.sent if state.problem else None

    def gone(self, node: Node) -> None:
        """A gateway is out of reach."""
        self._present.pop(node, None)

    def forget(self) -> None:
        """Every gateway may be out of reach."""
        self._present.clear()

    def due(self, now_s: float) -> list[tuple[Node, bytes]]:
        """Who should be sent which document now."""
        return [
            (node, self._wanted[node].document)
            for node, gateway in self._present.items()
            if node in self._wanted and now_s >= gateway.next_s and self._differs(node, gateway)
        ]

    def sent(self, node: Node, now_s: float) -> None:
        """The wanted document has gone out to a gateway."""
        gateway, wanted = self._present.get(node), self._wanted.get(node)
        if gateway is not None and wanted is not None:
            gateway.sent = wanted.hash
            gateway.next_s = now_s + gateway.wait_s
            gateway.wait_s = min(LONGEST_RETRY_S, gateway.wait_s * 2)

    def waiting(self) -> int:
        """How many gateways within reach follow another plan than the wanted one."""
        return sum(
            node in self._wanted and not self._wanted[node].is_in_force(gateway.reported)
            for node, gateway in self._present.items()
        )

    def _differs(self, node: Node, gateway: _Gateway) -> bool:
        wanted = self._wanted[node]
        return not wanted.is_in_force(gateway.reported) and gateway.refused != wanted.hash

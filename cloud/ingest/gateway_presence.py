"""Which gateways have been out of reach for long enough to say so. Pure; times are wall seconds."""

from collections.abc import Iterable

from cloud.ingest.batch import Node


class GatewayPresence:
    """Gives a gateway time to come back before its silence becomes an alarm."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._missing: dict[Node, float] = {}
        self._present: set[Node] = set()

    def born(self, node: Node) -> None:
        """The gateway is there."""
        self._missing.pop(node, None)
        self._present.add(node)

    def died(self, node: Node, now_s: float) -> None:
        """The gateway has gone."""
        self._missing.setdefault(node, now_s + self._patience_s)
        self._present.discard(node)

    def expect(self, nodes: Iterable[Node], until_s: float) -> None:
        """These gateways were there before we lost sight of them; each should be born again by `until_s`."""
        for node in nodes:
            self._missing.setdefault(node, until_s)
            self._present.discard(node)

    def expect_first(self, nodes: Iterable[Node], until_s: float) -> None:
        """These gateways were never heard of; each should be born by `until_s` if it is not there yet."""
        for node in nodes:
            if node not in self._present:
                self._missing.setdefault(node, until_s)

    def overdue(self, now_s: float) -> list[Node]:
        """The gateways whose time is up; each is named once."""
        lost = [node for node, deadline_s in self._missing.items() if deadline_s <= now_s]
        for node in lost:
            del self._missing[node]
        return lost

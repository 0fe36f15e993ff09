"""Which gateways have been offline for long enough to raise an alarm. Pure; times are wall seconds."""

from collections.abc import Iterable

from cloud.ingest.batch import Node


class GatewayPresence:
    """Gives a gateway `patience_s` to come back before its silence becomes an alarm."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._deadlines: dict[Node, float] = {}
        self._online: set[Node] = set()

    def born(self, node: Node) -> None:
        """Note that the gateway is online."""
        self._deadlines.pop(node, None)
        self._online.add(node)

    def died(self, node: Node, now_s: float) -> None:
        """Note that the gateway is offline; a deadline that runs already stays."""
        # A gateway can die twice, by its own death and by the broker's will: the first one counts.
        self._deadlines.setdefault(node, now_s + self._patience_s)
        self._online.discard(node)

    def expect_again(self, nodes: Iterable[Node], until_s: float) -> None:
        """Expect a birth by `until_s` of gateways that were online before this process lost the broker."""
        for node in nodes:
            self._deadlines.setdefault(node, until_s)
            self._online.discard(node)

    def expect_first(self, nodes: Iterable[Node], until_s: float) -> None:
        """Expect a birth by `until_s` of gateways that were never born, unless they are online meanwhile."""
        for node in nodes:
            # A birth counts here before it is stored, so the caller may not know of it yet.
            if node not in self._online:
                self._deadlines.setdefault(node, until_s)

    def overdue(self, now_s: float) -> list[Node]:
        """Return the gateways whose deadline has passed; each is returned once."""
        lost = [node for node, deadline_s in self._deadlines.items() if deadline_s <= now_s]
        for node in lost:
            del self._deadlines[node]
        return lost

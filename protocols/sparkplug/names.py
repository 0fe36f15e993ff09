"""The names and types of aliases by the births that a host has received."""

from collections.abc import Sequence

from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MalformedPayload, MetricValue, retype
from protocols.sparkplug.values import WrongValue


class Unknown(LookupError):  # noqa: N818 - named for the condition
    """A device, metric or alias that was in no birth."""


class NameTable:
    """One edge node's metrics and its devices', by alias and by name."""

    def __init__(self) -> None:
        self._by_alias: dict[int, tuple[str | None, str, DataType | None]] = {}
        self._types: dict[str | None, dict[str, DataType | None]] = {}

    def clear(self) -> None:
        """Remove the node and all its devices."""
        self._by_alias.clear()
        self._types.clear()

    def introduce(self, device: str | None, metrics: Sequence[MetricValue]) -> None:
        """Add the metrics of a birth; they replace those of the last birth of the same node or device."""
        self.forget(device)
        types = self._types.setdefault(device, {})
        for metric in metrics:
            if metric.name is None:
                continue
            types[metric.name] = metric.datatype
            if metric.alias is not None:
                self._by_alias[metric.alias] = (device, metric.name, metric.datatype)

    def forget(self, device: str | None) -> None:
        """Remove a device after its death."""
        if self._types.pop(device, None) is None:
            return
        for alias in [alias for alias, entry in self._by_alias.items() if entry[0] == device]:
            del self._by_alias[alias]

    def resolve(self, device: str | None, metrics: Sequence[MetricValue]) -> None:
        """Set the names and types of data, in place.

        Raises:
            Unknown: the device has no birth, or a metric was not in it.
            MalformedPayload: a value does not fit its type.
        """
        types = self._types.get(device)
        if types is None:
            raise Unknown(f"device {device!r} before its DBIRTH")
        try:
            for metric in metrics:
                if metric.name is None:
                    entry = self._by_alias.get(metric.alias or 0)
                    if entry is None or entry[0] != device:
                        raise Unknown(f"alias {metric.alias} that was not in its birth")
                    _, metric.name, datatype = entry
                elif metric.name in types:
                    datatype = types[metric.name]
                else:
                    raise Unknown(f"metric {metric.name!r} that was not in its birth")
                if metric.datatype is None and datatype is not None:
                    retype(metric, datatype)
        except WrongValue as error:
            raise MalformedPayload(str(error)) from error

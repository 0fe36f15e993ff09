"""The numbers that replace metric names after a birth."""

from collections.abc import Collection

from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MalformedPayload, MetricValue, retype
from protocols.sparkplug.values import WrongValue


class AliasTable:
    """An edge node's aliases: unique over the node and all its devices, the same in every birth.

    A metric in `never_aliased` has none and is always sent by name.
    """

    def __init__(self, never_aliased: Collection[str]) -> None:
        self._never_aliased = never_aliased
        self._known: dict[tuple[str | None, str], tuple[int | None, DataType]] = {}
        self._by_alias: dict[int, tuple[str | None, str]] = {}

    def introduce(self, device: str | None, metric: MetricValue) -> MetricValue:
        """Return a metric for a birth: with name, alias and datatype.

        Raises:
            WrongValue: it has no name or no datatype.
        """
        if metric.name is None or metric.datatype is None:
            raise WrongValue(f"metric {metric.label}: no name or no datatype, expected both in a birth")
        key = (device, metric.name)
        if key in self._known:
            alias = self._known[key][0]
        else:
            alias = None if metric.name in self._never_aliased else len(self._by_alias) + 1
        self._known[key] = (alias, metric.datatype)
        if alias is not None:
            self._by_alias[alias] = key
        return MetricValue(
            metric.name,
            alias,
            metric.datatype,
            metric.value,
            metric.timestamp_ms,
            metric.is_historical,
            metric.properties,
        )

    def shorten(self, device: str | None, metric: MetricValue) -> MetricValue:
        """Return a metric for data: with its alias instead of its name.

        Raises:
            KeyError: it was in no birth; the argument is its name.
        """
        known = self._known.get((device, metric.name or ""))
        if known is None:
            raise KeyError(metric.label)
        alias, datatype = known
        name = metric.name if alias is None else None
        return MetricValue(
            name, alias, datatype, metric.value, metric.timestamp_ms, metric.is_historical, metric.properties
        )

    def resolve(self, device: str | None, metric: MetricValue) -> None:
        """Set the name and the type of a received metric, in place. One that was in no birth is unchanged.

        Raises:
            MalformedPayload: the alias is not one of this device, or the value does not fit the type.
        """
        if metric.name is None:
            owner, name = self._by_alias.get(metric.alias or 0, (None, None))
            if name is None or owner != device:
                raise MalformedPayload(f"alias {metric.alias}, expected one from the birth")
            metric.name = name
        known = self._known.get((device, metric.name))
        if known is not None and metric.datatype is None:
            try:
                retype(metric, known[1])
            except WrongValue as error:
                raise MalformedPayload(str(error)) from error

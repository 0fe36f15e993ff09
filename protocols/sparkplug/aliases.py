"""The numbers that stand for metric names after a birth."""

from collections.abc import Collection

from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.payload import MalformedPayload, MetricValue, retype
from protocols.sparkplug.values import WrongValue


class AliasTable:
    """An edge node's aliases: unique over the node and all its devices, kept over births.

    A metric named in `never_aliased` goes by its name always.
    """

    def __init__(self, never_aliased: Collection[str]) -> None:
        self._never_aliased = never_aliased
        self._known: dict[tuple[str | None, str], tuple[int | None, DataType]] = {}
        self._by_alias: dict[int, tuple[str | None, str]] = {}

    def introduce(self, device: str | None, metric: MetricValue) -> MetricValue:
        """Return the metric as a birth carries it: with name, alias and datatype."""
        if metric.name is None or metric.datatype is None:
            raise WrongValue(f"metric {metric.label}: a birth needs its name and datatype")
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
        """Return the metric as data carries it: with its alias alone.

        Raises:
            KeyError: no birth had a metric of that name.
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
        """Give a received metric its name and type, in place; one that no birth had stays as it is.

        Raises:
            MalformedPayload: the alias is unknown, or the value does not fit the type of the birth.
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

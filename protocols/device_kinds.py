"""The kinds of devices that are read, each with the catalogue of its metrics."""

from dataclasses import dataclass
from typing import Final

from protocols.cabinet import CabinetReading, DeviceReading
from protocols.lamp import LampReading
from protocols.metrics import (
    CABINET_CONTROL_METRICS,
    CABINET_METRICS,
    DEVICE_CONTROL_METRICS,
    LAMP_METRICS,
    Metric,
)


class UnknownAttribute(ValueError):  # noqa: N818 - reads as a condition, like the standard library's
    """A name that is no attribute of a device; the message names it and lists the known ones."""


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """A kind of device: its name (measurement and tag in stores) and its metrics.

    `metrics` are those of its readings; `control_metrics` are the others that its birth declares.
    """

    name: str
    metrics: tuple[Metric, ...]
    control_metrics: tuple[Metric, ...]

    def metric(self, attribute: str) -> Metric:
        """Return the catalogue entry of a TALQ attribute.

        Raises:
            UnknownAttribute: no metric of this kind has that attribute.
        """
        for metric in self.metrics:
            if metric.attribute == attribute:
                return metric
        known = ", ".join(metric.attribute for metric in self.metrics)
        raise UnknownAttribute(f"attribute {attribute!r}, expected one of {known}")


LAMPS: Final = DeviceKind("lamp", LAMP_METRICS, DEVICE_CONTROL_METRICS)
CABINETS: Final = DeviceKind("cabinet", CABINET_METRICS, CABINET_CONTROL_METRICS + DEVICE_CONTROL_METRICS)

_KINDS: Final[dict[type[DeviceReading], DeviceKind]] = {LampReading: LAMPS, CabinetReading: CABINETS}


def kind_of(reading: DeviceReading) -> DeviceKind:
    """Return the kind of device that was read."""
    return _KINDS[type(reading)]

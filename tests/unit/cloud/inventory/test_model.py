"""What lamps add up to."""

from datetime import UTC, datetime

from cloud.inventory.model import attribute_values, bounds_of, main_time_zone, tally
from cloud.inventory.states import LampStanding
from cloud.live.model import LampCondition
from protocols.events import EventType
from protocols.inventory.model import Gateway, Lamp
from protocols.lamp import LampReading, Reason
from protocols.metrics import LAMP_METRICS

NOW = datetime(2026, 8, 10, 13, tzinfo=UTC)


def _standing(
    power_w: float | None, *, online: bool = True, alarms: tuple[EventType, ...] = ()
) -> LampStanding:
    lamp = Lamp("a", "area", "gateway", 1, 1, -7.0, 107.5)
    reading = LampReading("a", NOW, 100, 100, Reason.PROGRAM, 100.0, active_power_w=power_w)
    return LampStanding(lamp, reading, online, alarms)


def test_lamps_out_of_reach_count_but_their_power_does_not() -> None:
    """What a lamp drew when last seen is not what is drawn now."""
    counted = tally([_standing(90.0), _standing(90.0, online=False)])["area"]
    assert counted.conditions == {LampCondition.LIT: 1, LampCondition.UNKNOWN: 1}
    assert (counted.active_power_w, counted.rated_power_w) == (90.0, 180.0)


def test_minor_alarms_make_no_fault() -> None:
    """They are listed, but the lamp gives light."""
    major = _standing(90.0, alarms=(EventType.DIMMING_FAILURE,))
    minor = _standing(90.0, alarms=(EventType.SUPPLY_VOLTAGE_TOO_HIGH,))
    assert (major.condition, minor.condition) == (LampCondition.FAULT, LampCondition.LIT)


def test_an_empty_place() -> None:
    """No lamps have no bounds; without gateways time is UTC."""
    assert bounds_of([]) is None
    assert tally([]) == {}
    assert main_time_zone([]) == "UTC"


def test_the_time_zone_of_most_gateways() -> None:
    """One cabinet across the border doesn't move the clock."""
    zones = ["Asia/Jakarta", "Asia/Makassar", "Asia/Jakarta"]
    gateways = [Gateway(str(number), "a", 0, 0, zone) for number, zone in enumerate(zones)]
    assert main_time_zone(gateways) == "Asia/Jakarta"


def test_every_attribute_of_the_catalogue_is_shown() -> None:
    """Known or not, in the catalogue's order."""
    values = attribute_values(_standing(45.5).reading)
    assert [value.attribute for value in values] == [metric.attribute for metric in LAMP_METRICS]
    assert {value.attribute: value.value for value in values}["activePower"] == 45.5
    assert attribute_values(None) == []

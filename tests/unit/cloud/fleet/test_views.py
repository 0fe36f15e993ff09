"""What lamps add up to."""

from datetime import UTC, datetime

from cloud.fleet.views import Tally, attribute_values, center_of, main_time_zone
from cloud.state.views import LampCondition
from protocols.events import EventType
from protocols.inventory.model import Gateway
from protocols.lamp import LampReading, Reason
from protocols.metrics import LAMP_METRICS

NOW = datetime(2026, 8, 10, 13, tzinfo=UTC)


def _reading(power_w: float) -> LampReading:
    return LampReading("a", NOW, 100, 100, Reason.PROGRAM, 100.0, active_power_w=power_w)


def test_lamps_out_of_reach_count_but_their_power_does_not() -> None:
    """What a lamp drew when last seen is not what is drawn now."""
    tally = Tally()
    tally.add(_reading(90.0), 90.0, ())
    tally.add(None, 90.0, ())
    assert tally.conditions == {LampCondition.LIT: 1, LampCondition.UNKNOWN: 1}
    assert tally.active_power_w == 90.0


def test_minor_alarms_make_no_fault() -> None:
    """They are listed, but the lamp gives light."""
    tally = Tally()
    tally.add(_reading(90.0), 90.0, (EventType.DIMMING_FAILURE,))
    tally.add(_reading(90.0), 90.0, (EventType.SUPPLY_VOLTAGE_TOO_HIGH,))
    assert tally.conditions == {LampCondition.FAULT: 1, LampCondition.LIT: 1}


def test_an_empty_place() -> None:
    """No lamps have no middle; without gateways time is UTC."""
    assert center_of(None) is None
    assert main_time_zone([]) == "UTC"


def test_the_time_zone_of_most_gateways() -> None:
    """One cabinet across the border doesn't move the clock."""
    zones = ["Asia/Jakarta", "Asia/Makassar", "Asia/Jakarta"]
    gateways = [Gateway(str(number), "a", 0, 0, zone) for number, zone in enumerate(zones)]
    assert main_time_zone(gateways) == "Asia/Jakarta"


def test_every_attribute_of_the_catalogue_is_shown() -> None:
    """Known or not, in the catalogue's order."""
    values = attribute_values(_reading(45.5))
    assert [value.attribute for value in values] == [metric.attribute for metric in LAMP_METRICS]
    assert {value.attribute: value.value for value in values}["activePower"] == 45.5
    assert attribute_values(None) == []

"""A street is not switched by headlights: what photocells say counts once they have said it for a while."""

from datetime import UTC, datetime, timedelta

import pytest

from edge.clock.timekeeper import Timekeeper
from edge.control.photocell import DebouncedCell, Photocells
from edge.devices.device import Device, device_of
from edge.outbox import Record
from edge.polling.presence import PresenceState
from edge.polling.reader import DeviceReader
from protocols.cabinet import CabinetReading
from protocols.events import DeviceEvent, EventType
from protocols.modbus.builtin import load_builtin
from tests.support.clocks import FakeClock

START = datetime(2026, 6, 1, 10, tzinfo=UTC)


def cell_after(*readings: tuple[int, bool | None]) -> bool | None:
    cell = DebouncedCell()
    for second, output_on in readings:
        cell.add(output_on, START + timedelta(seconds=second))
    return cell.state


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([], None),
        ([(0, True)], None),
        ([(0, True), (30, True)], None),
        ([(0, True), (60, True)], True),
        ([(0, True), (59.7, True)], True),
        ([(0, True), (20, False), (60, True), (80, True)], None),
        ([(0, False), (60, False), (90, True)], False),
        ([(0, False), (60, False), (90, True), (120, False), (150, True), (180, True)], False),
        ([(0, False), (60, False), (90, True), (150, True)], True),
        ([(0, True), (60, True), (70, None)], None),
        ([(0, True), (60, True), (70, None), (80, True)], None),
        ([(0, True), (60, True), (70, None), (80, True), (140, True)], True),
    ],
)
def test_a_cell_counts_once_it_has_agreed_with_itself(
    readings: list[tuple[int, bool | None]], expected: bool | None
) -> None:
    assert cell_after(*readings) is expected


class Gateway:
    """Two cabinets with photocells."""

    def __init__(self) -> None:
        self.clock = FakeClock(START)
        self.events: list[Record] = []
        timekeeper = Timekeeper(self.clock, self.clock)
        timekeeper.start(None)
        self.photocells = Photocells(timekeeper, self.events)
        self.cabinets = [device_of(name, 1, load_builtin("cabinet-contacts")) for name in ("one", "two")]
        self.reader = DeviceReader(None, timekeeper, self.events, self.cabinets, {})  # type: ignore[arg-type]
        self.photocells.watch(self.reader, self.cabinets)

    def says(self, device: Device, output_on: bool | None) -> None:
        """For two minutes, in readings half a minute apart."""
        self.reader.presences[device].state = PresenceState.RESPONSIVE
        for _ in range(5):
            self.clock.instant += timedelta(seconds=30)
            reading = CabinetReading(device.id, self.clock.now(), photocell_output_on=output_on)
            self.photocells.observe(device, reading)


def test_where_cells_disagree_it_is_dark_and_a_silent_one_does_not_count() -> None:
    gateway = Gateway()
    one, two = gateway.cabinets
    assert gateway.photocells.is_dark() is None
    gateway.says(one, False)
    assert gateway.photocells.is_dark() is False
    gateway.says(two, True)
    assert gateway.photocells.is_dark() is True
    gateway.reader.presences[two].state = PresenceState.UNRESPONSIVE
    assert gateway.photocells.is_dark() is False
    gateway.reader.presences[one].state = PresenceState.UNKNOWN
    assert gateway.photocells.is_dark() is None


def test_a_cell_that_cannot_be_read_says_nothing() -> None:
    gateway = Gateway()
    gateway.says(gateway.cabinets[0], True)
    gateway.says(gateway.cabinets[0], None)
    assert gateway.photocells.is_dark() is None


def test_dusk_and_dawn_are_one_event_each() -> None:
    gateway = Gateway()
    cabinet = gateway.cabinets[0]
    for output_on in (True, True, None, True, False, False):
        gateway.says(cabinet, output_on)
    events = [each for each in gateway.events if isinstance(each, DeviceEvent)]
    assert [(each.device_id, each.type, each.active) for each in events] == [
        ("one", EventType.PHOTOCELL_OUTPUT_ON, True),
        ("one", EventType.PHOTOCELL_OUTPUT_ON, False),
    ]

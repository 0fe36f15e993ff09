"""Which device is polled next, as devices fall silent and come back."""

from datetime import UTC, datetime, timedelta

from edge.devices.device import Device, device_of
from edge.polling.presence import Presence, PresenceState
from edge.polling.schedule import FIRST_PROBE_S, LAST_PROBE_S, PollSchedule, PollSlot
from protocols.modbus.builtin import load_builtin

START = datetime(2026, 6, 1, tzinfo=UTC)
LAMP = load_builtin("lentera-lamp")


def devices(count: int) -> list[Device]:
    return [device_of(f"L-{unit}", unit, LAMP) for unit in range(1, count + 1)]


def schedule_of(*given: Device) -> tuple[PollSchedule, list[PollSlot]]:
    each = [
        PollSlot(device, Presence(), START + timedelta(seconds=n), START) for n, device in enumerate(given)
    ]
    return PollSchedule(each), each


def test_the_longest_due_is_first_until_it_is_due_later_than_others() -> None:
    schedule, (first, second) = schedule_of(*devices(2))
    assert schedule.first_responsive() is first
    schedule.remove(first)
    first.due += timedelta(minutes=1)
    schedule.put(first)
    assert schedule.first_responsive() is second


def test_a_slot_follows_the_presence_that_others_find_out() -> None:
    schedule, (first, second) = schedule_of(*devices(2))
    first.presence.state = PresenceState.UNRESPONSIVE
    assert schedule.first_responsive() is second
    assert schedule.first_quarantined() is first
    first.presence.state = PresenceState.RESPONSIVE
    assert schedule.first_responsive() is first
    assert schedule.first_quarantined() is None


def test_probes_back_off_to_one_every_forty_seconds() -> None:
    _, (slot,) = schedule_of(*devices(1))
    pauses = []
    for _ in range(8):
        slot.back_off(100.0)
        pauses.append(slot.probe_at - 100.0)
    assert pauses[0] == FIRST_PROBE_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == LAST_PROBE_S


def test_when_one_comes_back_all_are_tried_at_once() -> None:
    schedule, each = schedule_of(*devices(3))
    for slot in each:
        slot.presence.state = PresenceState.UNRESPONSIVE
        slot.probe_at = 500.0
    assert schedule.first_responsive() is None
    schedule.probe_all_soon(100.0)
    assert [slot.probe_at for slot in each] == [100.0] * 3
    quarantined = schedule.first_quarantined()
    assert quarantined is not None
    schedule.remove(quarantined)
    assert schedule.first_quarantined() is not quarantined

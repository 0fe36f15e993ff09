"""Whose turn it is, as devices die and come back."""

from datetime import UTC, datetime, timedelta

from edge.devices.device import Device, device_of
from edge.polling.schedule import FIRST_PROBE_S, LAST_PROBE_S, PollSchedule, PollSlot
from protocols.modbus.builtin import load_builtin

START = datetime(2026, 6, 1, tzinfo=UTC)
LAMP = load_builtin("lentera-lamp")


def devices(count: int) -> list[Device]:
    return [device_of(f"L-{unit}", unit, LAMP) for unit in range(1, count + 1)]


def turns_of(*given: Device) -> tuple[PollSchedule, list[PollSlot]]:
    each = [PollSlot(device, START + timedelta(seconds=n), START) for n, device in enumerate(given)]
    return PollSchedule(each), each


def test_the_longest_due_is_first_and_goes_behind_when_its_next_turn_is_later() -> None:
    turns, (first, second) = turns_of(*devices(2))
    assert turns.first_responsive() is first
    turns.remove(first)
    first.due += timedelta(minutes=1)
    turns.put(first)
    assert turns.first_responsive() is second


def test_a_device_found_dead_by_others_leaves_the_living_and_one_found_alive_joins_them() -> None:
    turns, (first, second) = turns_of(*devices(2))
    first.device.answering = False
    assert turns.first_responsive() is second
    assert turns.first_quarantined() is first
    first.device.answering = True
    assert turns.first_responsive() is first
    assert turns.first_quarantined() is None


def test_a_dead_device_is_asked_ever_more_seldom_but_at_least_every_forty_seconds() -> None:
    _, (turn,) = turns_of(*devices(1))
    pauses = []
    for _ in range(8):
        turn.missed_probe(100.0)
        pauses.append(turn.probe_at - 100.0)
    assert pauses[0] == FIRST_PROBE_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == LAST_PROBE_S


def test_when_one_comes_back_all_are_tried_at_once() -> None:
    lamps = devices(3)
    for lamp in lamps:
        lamp.answering = False
    turns, each = turns_of(*lamps)
    for turn in each:
        turn.probe_at = 500.0
    turns.expect_all(100.0)
    assert [turn.probe_at for turn in each] == [100.0] * 3
    dead = turns.first_quarantined()
    assert dead is not None
    turns.remove(dead)
    assert turns.first_quarantined() is not dead

"""Sixty of a hundred lamps dead on a saturated 9600-baud line, on a simulated wire."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from edge.devices.device import Device, device_of
from edge.polling.schedule import MOST_SHARE, PollSchedule, PollSlot
from protocols.modbus.builtin import load_builtin

START = datetime(2026, 6, 1, tzinfo=UTC)
LAMP = load_builtin("lentera-lamp")
POLL_S = 0.065  # 8 + 37 characters, two silences and 5.5 ms to think
PROBE_S = 0.037  # 8 + 7 characters, a silence and 15 ms to wait
WELCOMED_WITHIN_S = 60.0
LEAST_RATE = 0.95


class Wire:
    """A line on which everything takes the time it takes at 9600 baud; `whole` answer."""

    def __init__(self, lamps: int, dead: int) -> None:
        devices = [device_of(f"L-{unit}", unit, LAMP) for unit in range(1, lamps + 1)]
        self.now_s = 0.0
        self.polls = 0
        self.back_at: dict[Device, float] = {}
        self.requested_at: dict[Device, float] = {}
        self.dead = devices[:dead]
        self.whole = set(devices[dead:])
        for device in devices:
            device.answering = device in self.whole
        self.turns = PollSchedule(PollSlot(device, START, START) for device in devices)

    def run(self, seconds: float) -> None:
        """Do what a poller does, for so long."""
        ends = self.now_s + seconds
        while self.now_s < ends:
            turn = self.turns.next(START + timedelta(seconds=self.now_s), self.now_s)
            assert turn is not None
            self.turns.remove(turn)
            self._ask(turn)
            self.turns.put(turn)

    def _ask(self, turn: PollSlot) -> None:
        began, was_quarantined, device = self.now_s, turn.is_quarantined, turn.device
        self.now_s += PROBE_S if was_quarantined else POLL_S
        if device not in self.whole:
            self.requested_at[device] = began
            self.turns.probe_missed(began, self.now_s)
            turn.missed_probe(self.now_s)
            return
        if was_quarantined:
            self.now_s += POLL_S
            device.answering = True
            self.back_at[device] = self.now_s
            self.turns.expect_all(self.now_s)
        self.polls += 1
        turn.due = START + timedelta(seconds=self.now_s)

    def return_of(self, devices: Collection[Device]) -> float:
        """Seconds until the last of these, whole again from now on, is back."""
        began = self.now_s
        self.whole |= set(devices)
        while any(device not in self.back_at for device in devices):
            self.run(1.0)
        return max(self.back_at[device] for device in devices) - began


def rate(wire: Wire, seconds: float = 600.0) -> float:
    before = wire.polls
    wire.run(seconds)
    return (wire.polls - before) / seconds


@pytest.mark.parametrize(("lamps", "dead", "least"), [(10, 1, 0.98), (10, 5, 0.95), (100, 60, LEAST_RATE)])
def test_healthy_lamps_keep_their_rate(lamps: int, dead: int, least: float) -> None:
    alone = rate(Wire(lamps - dead, 0))
    wire = Wire(lamps, dead)
    assert rate(wire, 30.0) >= least * alone
    assert rate(wire) >= least * alone


@pytest.mark.parametrize("after_s", [1.0, 30.0, 600.0])
def test_the_one_that_was_just_asked_in_vain_is_back_within_a_minute(after_s: float) -> None:
    wire = Wire(100, 60)
    wire.run(after_s)
    just_asked = max(wire.requested_at, key=lambda device: wire.requested_at[device])
    assert wire.return_of([just_asked]) <= WELCOMED_WITHIN_S


def test_a_street_whose_power_is_back_returns_at_once() -> None:
    wire = Wire(100, 60)
    wire.run(600.0)
    assert wire.return_of(wire.dead) <= 10.0


def test_half_a_street_returns_within_a_minute_while_the_other_half_stays_dead() -> None:
    wire = Wire(100, 60)
    wire.run(600.0)
    assert wire.return_of(wire.dead[::2]) <= WELCOMED_WITHIN_S


def test_more_dead_than_a_minute_has_room_for_still_cost_no_more() -> None:
    wire = Wire(200, 190)
    alone = rate(Wire(10, 0))
    assert rate(wire) >= (1 - MOST_SHARE) * alone * 0.999


def test_waiting_for_a_command_is_not_taken_for_a_dear_probe() -> None:
    turns = Wire(10, 5).turns
    turns.probe_missed(0.0, 30.0)
    now = START + timedelta(seconds=70.0)
    found = turns.next(now, 70.0)
    assert found is not None
    assert found.is_quarantined

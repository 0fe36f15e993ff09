"""Sixty of a hundred lamps silent on a saturated 9600-baud line, on a simulated wire."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from edge.devices.device import Device, device_of
from edge.polling.presence import Presence, PresenceState
from edge.polling.schedule import MOST_SHARE, PollSchedule, PollSlot
from protocols.modbus.builtin import load_builtin

START = datetime(2026, 6, 1, tzinfo=UTC)
LAMP = load_builtin("lentera-lamp")
POLL_S = 0.065  # 8 + 37 characters, two silences and 5.5 ms to think
PROBE_S = 0.037  # 8 + 7 characters, a silence and 15 ms to wait
BACK_WITHIN_S = 60.0
LEAST_RATE = 0.95


class Wire:
    """A line on which everything takes the time it takes at 9600 baud; `whole` answer."""

    def __init__(self, lamps: int, silent: int) -> None:
        devices = [device_of(f"L-{unit}", unit, LAMP) for unit in range(1, lamps + 1)]
        self.now_s = 0.0
        self.polls = 0
        self.back_at: dict[Device, float] = {}
        self.requested_at: dict[Device, float] = {}
        self.silent = devices[:silent]
        self.whole = set(devices[silent:])
        state = {True: PresenceState.RESPONSIVE, False: PresenceState.UNRESPONSIVE}
        self.schedule = PollSchedule(
            PollSlot(device, Presence(state[device in self.whole]), START, START) for device in devices
        )

    def run(self, seconds: float) -> None:
        """Do what a poller does, for so long."""
        ends = self.now_s + seconds
        while self.now_s < ends:
            slot = self.schedule.next(START + timedelta(seconds=self.now_s), self.now_s)
            assert slot is not None
            self.schedule.remove(slot)
            self._poll(slot)
            self.schedule.put(slot)

    def _poll(self, slot: PollSlot) -> None:
        began, was_quarantined, device = self.now_s, slot.is_quarantined, slot.device
        self.now_s += PROBE_S if was_quarantined else POLL_S
        if device not in self.whole:
            self.requested_at[device] = began
            self.schedule.probe_failed(began, self.now_s)
            slot.back_off(self.now_s)
            return
        if was_quarantined:
            self.now_s += POLL_S
            slot.presence.state = PresenceState.RESPONSIVE
            self.back_at[device] = self.now_s
            self.schedule.probe_all_soon(self.now_s)
        self.polls += 1
        slot.due = START + timedelta(seconds=self.now_s)

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


@pytest.mark.parametrize(("lamps", "silent", "least"), [(10, 1, 0.98), (10, 5, 0.95), (100, 60, LEAST_RATE)])
def test_healthy_lamps_keep_their_rate(lamps: int, silent: int, least: float) -> None:
    alone = rate(Wire(lamps - silent, 0))
    wire = Wire(lamps, silent)
    assert rate(wire, 30.0) >= least * alone
    assert rate(wire) >= least * alone


@pytest.mark.parametrize("after_s", [1.0, 30.0, 600.0])
def test_the_one_that_was_just_probed_in_vain_is_back_within_a_minute(after_s: float) -> None:
    wire = Wire(100, 60)
    wire.run(after_s)
    just_probed = max(wire.requested_at, key=lambda device: wire.requested_at[device])
    assert wire.return_of([just_probed]) <= BACK_WITHIN_S


def test_a_street_whose_power_is_back_returns_at_once() -> None:
    wire = Wire(100, 60)
    wire.run(600.0)
    assert wire.return_of(wire.silent) <= 10.0


def test_half_a_street_is_back_within_a_minute_beside_a_silent_half() -> None:
    wire = Wire(100, 60)
    wire.run(600.0)
    assert wire.return_of(wire.silent[::2]) <= BACK_WITHIN_S


def test_more_silent_lamps_than_fit_into_a_minute_cost_no_more() -> None:
    wire = Wire(200, 190)
    alone = rate(Wire(10, 0))
    assert rate(wire) >= (1 - MOST_SHARE) * alone * 0.999


def test_waiting_for_a_command_is_not_counted_as_a_long_probe() -> None:
    schedule = Wire(10, 5).schedule
    schedule.probe_failed(0.0, 30.0)
    now = START + timedelta(seconds=70.0)
    found = schedule.next(now, 70.0)
    assert found is not None
    assert found.is_quarantined

"""Which override and which command a lamp is shown with."""

import pytest

from cloud.state.views import LampView, OverrideView, lamp_view
from protocols.clock import from_unix_ms
from protocols.inventory.model import Lamp
from protocols.lamp import LampReading, Reason

NOW = from_unix_ms(1_772_362_800_000)
LAMP = Lamp("SOR-1", "32.04.37", "soreang-01", 1, 1, -7.03, 107.52, "Jalan Al-Fathu")
CONFIRMED = OverrideView(command_id="c-1", expiration=NOW, note="market", requested_by="ana")


def shown(reason: Reason | None, level_percent: int, override: OverrideView | None) -> LampView:
    reading = LampReading("SOR-1", NOW, level_percent, level_percent, reason)
    return lamp_view(LAMP, reading, online=True, alarms=(), override=override)


def test_the_override_that_the_lamp_follows_is_shown() -> None:
    """With the command, its end and who requested it; levels are those that the lamp reports."""
    view = shown(Reason.OVERRIDE, 30, CONFIRMED)
    assert view.override == CONFIRMED
    assert (view.reason, view.target_light_command, view.feedback_light_command) == (Reason.OVERRIDE, 30, 30)


def test_an_override_of_another_program_is_shown_by_its_level_and_reason_only() -> None:
    """One that was sent to the broker directly has no command here, so neither end nor user is known."""
    view = shown(Reason.OVERRIDE, 30, None)
    assert view.override is None
    assert (view.reason, view.target_light_command, view.feedback_light_command) == (Reason.OVERRIDE, 30, 30)


@pytest.mark.parametrize("reason", [None, *(each for each in Reason if each is not Reason.OVERRIDE)])
def test_an_override_that_the_lamp_no_longer_follows_is_not_shown(reason: Reason | None) -> None:
    """It has ended at the gateway, whatever is stored of it here."""
    view = shown(reason, 100, CONFIRMED)
    assert view.override is None
    assert (view.reason, view.target_light_command) == (reason, 100)


def test_a_lamp_that_was_never_read_has_neither_command_nor_override() -> None:
    view = lamp_view(LAMP, None, online=False, alarms=(), override=CONFIRMED)
    assert view.override is None
    assert (view.reason, view.target_light_command, view.observed_at) == (None, None, None)


def test_an_unreachable_lamp_keeps_the_override_it_reported_last() -> None:
    """The gateway holds the override while the lamp can't be reached."""
    reading = LampReading("SOR-1", NOW, 30, 30, Reason.OVERRIDE)
    assert lamp_view(LAMP, reading, online=False, alarms=(), override=CONFIRMED).override == CONFIRMED

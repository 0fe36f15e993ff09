"""Alarms of a lamp from its readings: a level must have settled before the lamp is held to it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud.alarms.lamp_rules import CYCLE_WINDOW, CYCLES_TO_RAISE, LAMP_RULES, LampSituation
from cloud.alarms.model import AlarmChange, DeviceAlarms, applied, judge
from cloud.state.light import emits_light, level_in_effect
from protocols.events import EventType
from protocols.lamp import LampReading

SETTLING_TIME = timedelta(seconds=20)
"""How long a level must have been set before a lamp is held to it: drivers start, fades end."""

_OUTPUT_MOVES = 1.0  # percentage points nearer to the level than ever since it was set: a fade is under way
_OUTPUT_FALLS = 10.0  # percentage points away from the level: more than noise
_COUNTER_JUMP = 1000  # more switch-ons than this between two readings is a replaced or reset controller


@dataclass(frozen=True, slots=True)
class Held:
    """Since when, as far as readings show, a lamp has been held to its level, its fade over.

    `distance` is the least seen between output and level since the level was set or the output left it; None
    where neither output nor power was measured.
    """

    since: datetime
    distance: float | None


@dataclass(frozen=True, slots=True)
class LampMemory:
    """What the rules for lamps need of earlier readings.

    `cycles` is when the lamp came back on by itself, `failed_level` the target of an open dimmingFailure.
    """

    last: LampReading
    held: Held
    watched_since: datetime
    cycles: tuple[datetime, ...]
    failed_level: int | None


LampAlarms = DeviceAlarms[LampMemory]


def evaluate_lamp(
    state: LampAlarms, reading: LampReading, rated_power_w: float | None
) -> tuple[LampAlarms, list[AlarmChange]]:
    """Return the lamp's state after `reading`, and the alarms that start or end by it.

    A reading no newer than the last one changes nothing.
    """
    if not state.is_newer(reading.time):
        return state, []
    memory = state.memory
    held = _held(memory, reading, rated_power_w)
    target = reading.target_level_percent
    situation = LampSituation(
        reading=reading,
        rated_power_w=rated_power_w,
        target=reading.feedback_level_percent if target is None else target,
        level=level_in_effect(reading),
        settled=reading.time - held.since >= SETTLING_TIME,
        active=state.active,
        cycles=_cycles(memory, reading, rated_power_w),
        watched_since=memory.watched_since if memory else reading.time,
        failed_level=memory.failed_level if memory else None,
    )
    # A lamp that turns out to be fading makes what was counted against it worthless.
    fading = memory is not None and held.since == reading.time and _same_level(memory.last, reading)
    streaks = {} if fading else dict(state.streaks)
    changes = judge(LAMP_RULES, situation, state.active, streaks, reading)
    after = LampMemory(
        last=reading,
        held=held,
        watched_since=situation.watched_since,
        cycles=situation.cycles,
        failed_level=_failed_level(situation, changes),
    )
    active = applied(state.active, changes) if changes else state.active
    return DeviceAlarms(active, reading.time, streaks, after), changes


def _held(memory: LampMemory | None, reading: LampReading, rated_power_w: float | None) -> Held:
    """Return how long the lamp has been held to its level; each step of a slow fade starts it again."""
    level, output = level_in_effect(reading), reading.actual_level_percent
    if output is None and reading.active_power_w is not None and rated_power_w:
        output = 100 * reading.active_power_w / rated_power_w
    distance = None if level is None or output is None else abs(output - level)
    if memory is None or not _same_level(memory.last, reading):
        return Held(reading.time, distance)
    since, nearest = memory.held.since, memory.held.distance
    if distance is None or nearest is None:
        return Held(since, distance if nearest is None else nearest)
    fades = _OUTPUT_MOVES <= distance <= nearest - _OUTPUT_MOVES
    fell_away = distance > nearest + _OUTPUT_FALLS  # a reset too may be followed by a fade
    return Held(
        since=reading.time if fades else since,
        distance=distance if fell_away else min(distance, nearest),
    )


def _same_level(last: LampReading, reading: LampReading) -> bool:
    return (
        last.target_level_percent == reading.target_level_percent
        and last.feedback_level_percent == reading.feedback_level_percent
    )


def _cycles(
    memory: LampMemory | None, reading: LampReading, rated_power_w: float | None
) -> tuple[datetime, ...]:
    """Return when the lamp came back on by itself within the window, as often as it takes to raise."""
    if memory is None:
        return ()
    cycles, last = memory.cycles, memory.last
    if cycles and reading.time - cycles[0] > CYCLE_WINDOW:
        cycles = tuple(time for time in cycles if reading.time - time <= CYCLE_WINDOW)
    if not level_in_effect(reading):
        return cycles
    if not _same_level(last, reading) or last.time - memory.held.since < SETTLING_TIME:
        return cycles  # the switching was commanded
    if last.switch_on_counter is not None and reading.switch_on_counter is not None:
        switched = reading.switch_on_counter - last.switch_on_counter
        came_back = min(switched, CYCLES_TO_RAISE) if 0 < switched <= _COUNTER_JUMP else 0
    else:
        before, now = emits_light(last, rated_power_w), emits_light(reading, rated_power_w)
        came_back = 1 if now and before is False else 0
    return (*cycles, *[reading.time] * came_back)[-CYCLES_TO_RAISE:] if came_back else cycles


def _failed_level(at: LampSituation, changes: Iterable[AlarmChange]) -> int | None:
    for change in changes:
        if change.type is EventType.DIMMING_FAILURE:
            return at.target if change.raised else None
    return at.failed_level

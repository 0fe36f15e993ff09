"""Alarms from readings: a condition is believed after enough readings in a row, and so is its end. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cloud.alarms.rules import CYCLE_WINDOW, CYCLES_TO_RAISE, RULES, Rule, Situation, Verdict
from cloud.state.light import emits_light, level_in_effect
from protocols.events import DeviceEvent, EventType
from protocols.lamp import LampReading

SETTLING_TIME = timedelta(seconds=20)
"""How long a level must have stood before a lamp is held to it: drivers start, fades end."""

EVIDENCE_SPACING = timedelta(seconds=20)
"""How far apart readings must be to count twice: a dip or a reset passes in less."""

_OUTPUT_MOVES = 1.0  # percentage points nearer to the level than ever since it was set: a fade is under way
_OUTPUT_FALLS = 10.0  # percentage points away from the level: more than noise
_COUNTER_JUMP = 1000  # more switch-ons than this between two readings is a replaced or reset controller


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """The start or the end of a condition on a lamp."""

    lamp_id: str
    type: EventType
    raised: bool
    time: datetime
    info: str = ""


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """An event with its place in a gateway's outbox, which makes it one of a kind."""

    gateway_id: str
    epoch: int
    position: int
    event: DeviceEvent


@dataclass(frozen=True, slots=True)
class Streak:
    """How many readings in a row contradict a condition's state, and when the last of them was taken."""

    count: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """Since when, as far as readings show, a lamp has been held to its level, its fade over.

    `distance` is the least seen between output and level since the level was set or the output left it; None
    where neither output nor power was measured.
    """

    since: datetime
    distance: float | None


@dataclass(frozen=True, slots=True)
class LampAlarmState:
    """What must be remembered of a lamp between two readings."""

    active: frozenset[EventType] = frozenset()
    last: LampReading | None = None
    held: Held | None = None
    watched_since: datetime | None = None
    cycles: tuple[datetime, ...] = ()
    failed_level: int | None = None
    streaks: Mapping[EventType, Streak] = field(default_factory=dict)


def evaluate(
    state: LampAlarmState, reading: LampReading, rated_power_w: float | None
) -> tuple[LampAlarmState, list[AlarmChange]]:
    """The lamp's state after `reading`, and the alarms that start or end by it.

    A reading no newer than the last one changes nothing: backlog tells about the past, alarms are about now.
    """
    if state.last is not None and reading.time <= state.last.time:
        return state, []
    held = _held(state, reading, rated_power_w)
    situation = _situation(state, reading, rated_power_w, held.since)
    changes: list[AlarmChange] = []
    streaks = dict(state.streaks) if _same_fade(state, held, reading) else {}
    for rule in RULES:
        if _turns(rule, situation, streaks):
            raised = rule.type not in state.active
            info = _describe(situation) if raised else ""
            changes.append(AlarmChange(reading.device_id, rule.type, raised, reading.time, info))
    after = LampAlarmState(
        active=_apply(state.active, changes) if changes else state.active,
        last=reading,
        held=held,
        watched_since=situation.watched_since,
        cycles=situation.cycles,
        failed_level=_failed_level(state, situation, changes),
        streaks=streaks,
    )
    return after, changes


def resumed(active: Iterable[EventType]) -> LampAlarmState:
    """The state of a lamp of which only its active alarms are known: after a restart."""
    return LampAlarmState(active=frozenset(active))


def forgotten(state: LampAlarmState) -> LampAlarmState:
    """The state after a gap in which anything may have happened: alarms stay, evidence does not."""
    return replace(resumed(state.active), failed_level=state.failed_level)


def _situation(
    state: LampAlarmState, reading: LampReading, rated_power_w: float | None, since: datetime
) -> Situation:
    target = reading.target_level_percent
    return Situation(
        reading=reading,
        rated_power_w=rated_power_w,
        target=reading.feedback_level_percent if target is None else target,
        level=level_in_effect(reading),
        settled=reading.time - since >= SETTLING_TIME,
        active=state.active,
        cycles=_cycles(state, reading, rated_power_w),
        watched_since=state.watched_since or reading.time,
        failed_level=state.failed_level,
    )


def _held(state: LampAlarmState, reading: LampReading, rated_power_w: float | None) -> Held:
    """How long the lamp has been held to its level after `reading`; a step of a slow fade starts it anew."""
    distance = _distance(reading, rated_power_w)
    if state.last is None or state.held is None or not _same_level(state.last, reading):
        return Held(reading.time, distance)
    nearest = state.held.distance
    if distance is None or nearest is None:
        return Held(state.held.since, distance if nearest is None else nearest)
    fades = _OUTPUT_MOVES <= distance <= nearest - _OUTPUT_MOVES
    fell_away = distance > nearest + _OUTPUT_FALLS  # a reset too may be followed by a fade
    return Held(
        since=reading.time if fades else state.held.since,
        distance=distance if fell_away else min(distance, nearest),
    )


def _same_fade(state: LampAlarmState, held: Held, reading: LampReading) -> bool:
    """Whether evidence of earlier readings still counts: not when the lamp turns out to be fading."""
    fading = held.since == reading.time and state.last is not None and _same_level(state.last, reading)
    return not fading


def _distance(reading: LampReading, rated_power_w: float | None) -> float | None:
    """Percentage points between the level in effect and the output, as measured or as power implies."""
    level, output = level_in_effect(reading), reading.actual_level_percent
    if output is None and reading.active_power_w is not None and rated_power_w:
        output = 100 * reading.active_power_w / rated_power_w
    return None if level is None or output is None else abs(output - level)


def _same_level(last: LampReading, reading: LampReading) -> bool:
    return (
        last.target_level_percent == reading.target_level_percent
        and last.feedback_level_percent == reading.feedback_level_percent
    )


def _cycles(state: LampAlarmState, reading: LampReading, rated_power_w: float | None) -> tuple[datetime, ...]:
    """When the lamp came back on by itself within the window, at most as often as it takes to raise."""
    cycles = state.cycles
    if cycles and reading.time - cycles[0] > CYCLE_WINDOW:
        cycles = tuple(time for time in cycles if reading.time - time <= CYCLE_WINDOW)
    last = state.last
    if last is None or state.held is None or not level_in_effect(reading):
        return cycles
    if not _same_level(last, reading) or last.time - state.held.since < SETTLING_TIME:
        return cycles  # it was told to switch
    came_back = _came_back(last, reading, rated_power_w)
    return (*cycles, *[reading.time] * came_back)[-CYCLES_TO_RAISE:] if came_back else cycles


def _came_back(last: LampReading, reading: LampReading, rated_power_w: float | None) -> int:
    """How often the lamp switched on between two readings."""
    if last.switch_on_counter is not None and reading.switch_on_counter is not None:
        switched = reading.switch_on_counter - last.switch_on_counter
        return min(switched, CYCLES_TO_RAISE) if 0 < switched <= _COUNTER_JUMP else 0
    before, now = emits_light(last, rated_power_w), emits_light(reading, rated_power_w)
    return 1 if now and before is False else 0


def _turns(rule: Rule, situation: Situation, streaks: dict[EventType, Streak]) -> bool:
    """Whether the condition starts or ends by this reading; counts readings that contradict its state."""
    verdict = rule.judge(situation)
    if verdict is Verdict.UNKNOWN:
        return False
    is_active = rule.type in situation.active
    if is_active is not (verdict is Verdict.HEALTHY):
        streaks.pop(rule.type, None)
        return False
    streak = _longer(streaks.get(rule.type), situation.reading.time)
    needed = rule.clear_after if is_active else rule.raise_after
    if verdict is not Verdict.CERTAIN and streak.count < needed:
        streaks[rule.type] = streak
        return False
    streaks.pop(rule.type, None)
    return True


def _longer(streak: Streak | None, time: datetime) -> Streak:
    """The streak with a reading more; two taken in one breath, as read-backs are, count once."""
    if streak is None:
        return Streak(1, time)
    return Streak(streak.count + 1, time) if time - streak.time >= EVIDENCE_SPACING else streak


def _apply(active: frozenset[EventType], changes: Iterable[AlarmChange]) -> frozenset[EventType]:
    after = set(active)
    for change in changes:
        (after.add if change.raised else after.discard)(change.type)
    return frozenset(after)


def _failed_level(state: LampAlarmState, at: Situation, changes: Iterable[AlarmChange]) -> int | None:
    for change in changes:
        if change.type is EventType.DIMMING_FAILURE:
            return at.target if change.raised else None
    return state.failed_level


def _describe(at: Situation) -> str:
    """What was seen when an alarm started, for whoever reads it."""
    reading = at.reading
    parts = [
        f"target {at.target} %" if at.target is not None else "",
        f"in effect {at.level} %" if at.level is not None and at.level != at.target else "",
        f"output {reading.actual_level_percent:.0f} %" if reading.actual_level_percent is not None else "",
        f"{reading.active_power_w:.1f} W" if reading.active_power_w is not None else "",
        f"rated {at.rated_power_w:.0f} W" if at.rated_power_w is not None else "",
        f"{reading.supply_voltage_v:.0f} V" if reading.supply_voltage_v is not None else "",
        "lamp failure bit" if reading.lamp_failure else "",
        "control gear failure bit" if reading.control_gear_failure else "",
    ]
    return ", ".join(part for part in parts if part)

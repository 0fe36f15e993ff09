"""The alarm engine, the same for every kind of device: rules, streaks of evidence, state, changes. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Generic, TypeVar

from protocols.cabinet import DeviceReading
from protocols.events import DeviceEvent, EventType

EVIDENCE_SPACING = timedelta(seconds=20)
"""How far apart readings must be to count twice: a dip or a reset passes in less."""

Situation = TypeVar("Situation")
Memory = TypeVar("Memory")


class Verdict(Enum):
    """What a reading shows of a condition."""

    UNKNOWN = auto()  # nothing: the condition can't be seen now, so nothing changes
    HEALTHY = auto()
    SUSPICIOUS = auto()
    CERTAIN = auto()  # two independent signs agree: no second reading is needed

    @classmethod
    def of_bit(cls, bit: bool | None) -> "Verdict":
        """Return the verdict on a condition that the device reports itself; None means not reported.

        A bit alone is suspicious, never certain: the rule decides how many readings it takes.
        """
        if bit is None:
            return cls.UNKNOWN
        return cls.SUSPICIOUS if bit else cls.HEALTHY


@dataclass(frozen=True, slots=True)
class AlarmRule(Generic[Situation]):
    """A condition: how a reading in its situation is judged, and how many in a row start or end the alarm.

    Readings closer together than `spacing` count once. `describe` gives the info of an alarm that starts.
    """

    type: EventType
    judge: Callable[[Situation], Verdict]
    raise_after: int
    clear_after: int
    describe: Callable[[Situation], str]
    spacing: timedelta = EVIDENCE_SPACING


@dataclass(frozen=True, slots=True)
class Streak:
    """How many readings in a row contradict a condition's state, and when the last of them was taken."""

    count: int
    time: datetime


@dataclass(frozen=True, slots=True)
class DeviceAlarms(Generic[Memory]):
    """What must be known of a device between two readings.

    `time` is that of the newest reading judged, None before the first; `memory` is what the rules for the
    kind of device need besides.
    """

    active: frozenset[EventType] = frozenset()
    time: datetime | None = None
    streaks: Mapping[EventType, Streak] = field(default_factory=dict)
    memory: Memory | None = None

    def is_newer(self, time: datetime) -> bool:
        """Return whether a reading of `time` may be judged: backlog is about the past, alarms about now."""
        return self.time is None or time > self.time


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """The start or the end of a condition of a device."""

    device_id: str
    type: EventType
    raised: bool
    time: datetime
    info: str = ""


@dataclass(frozen=True, slots=True)
class ReportedEvent:
    """An event with its position in a gateway's outbox, which identifies it."""

    gateway_id: str
    epoch: int
    position: int
    event: DeviceEvent


@dataclass(frozen=True, slots=True)
class AlarmedDevice:
    """What can have an alarm; `lamp_id` is None for a gateway and for a cabinet."""

    id: str
    lamp_id: str | None
    gateway_id: str
    area_id: str


class AlarmState(StrEnum):
    """The alarms of a list: those that have not ended, or all."""

    ACTIVE = "active"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """The alarms of a list; None means any."""

    state: AlarmState = AlarmState.ACTIVE
    area_id: str | None = None
    type: EventType | None = None
    lamp_id: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """The start or end of a condition of a device, as it is stored."""

    device: AlarmedDevice
    type: EventType
    raised: bool
    time_ms: int
    info: str = ""


def judge(
    rules: Sequence[AlarmRule[Situation]],
    situation: Situation,
    active: frozenset[EventType],
    streaks: dict[EventType, Streak],
    reading: DeviceReading,
) -> list[AlarmChange]:
    """Return the alarms that start or end by a reading; `streaks` is brought up to date."""
    changes: list[AlarmChange] = []
    for rule in rules:
        verdict = rule.judge(situation)
        if verdict is Verdict.UNKNOWN:
            continue  # a reading that shows nothing does not end a streak
        is_active = rule.type in active
        if is_active is not (verdict is Verdict.HEALTHY):
            streaks.pop(rule.type, None)
            continue
        streak = streaks.get(rule.type)
        if streak is None:
            streak = Streak(1, reading.time)
        elif reading.time - streak.time >= rule.spacing:
            streak = Streak(streak.count + 1, reading.time)
        # else: two readings in quick succession, as read-backs are, count as one piece of evidence
        needed = rule.clear_after if is_active else rule.raise_after
        if verdict is not Verdict.CERTAIN and streak.count < needed:
            streaks[rule.type] = streak
            continue
        streaks.pop(rule.type, None)
        info = "" if is_active else rule.describe(situation)
        changes.append(AlarmChange(reading.device_id, rule.type, not is_active, reading.time, info))
    return changes


def applied(active: frozenset[EventType], changes: Iterable[AlarmChange]) -> frozenset[EventType]:
    """Return the open alarms after `changes`."""
    after = set(active)
    for change in changes:
        (after.add if change.raised else after.discard)(change.type)
    return frozenset(after)

"""Healthy lamps through whole nights raise nothing, however they are polled, commanded, faded and reset."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from cloud.alarms.lamp import LampAlarms, evaluate_lamp
from cloud.alarms.model import AlarmChange, DeviceAlarms
from protocols.events import EventType
from protocols.lamp import LampReading

NOON = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
NIGHT_PLAN = ((6.0, 100), (11.0, 50), (17.8, 0))  # hours after local noon: dusk, 23:00, dawn
DAY_S = 24 * 3600


@dataclass
class HealthyLamp:
    """A luminaire that follows its level, at its own pace and with its own tolerance."""

    random: Random
    rated_w: float
    fade_s: float
    lies_about_output: bool
    target: int = 0
    feedback: int = 0
    faded_from: float = 0.0
    commanded_at_s: float = -1e9
    switch_ons: int = 7
    strength: float = field(init=False)

    def __post_init__(self) -> None:
        self.strength = self.random.uniform(0.80, 1.15)  # constant light output, tolerance, wrong rating

    def tell(self, level: int, at_s: float) -> None:
        self.faded_from = self.output(at_s)
        self.switch_ons += self.feedback == 0 < level
        self.feedback, self.commanded_at_s = level, at_s

    def output(self, at_s: float) -> float:
        share = min(1.0, (at_s - self.commanded_at_s) / self.fade_s)
        return self.faded_from + (self.feedback - self.faded_from) * share

    def reading(self, at_s: float) -> LampReading:
        output = self.output(at_s)
        noise = self.random.uniform(0.97, 1.03)
        power_w = self.rated_w * self.strength * (0.03 + 0.97 * output / 100) * noise if output > 0 else 0.4
        return LampReading(
            device_id="SOR-00001",
            time=NOON + timedelta(seconds=at_s),
            target_level_percent=self.target,
            feedback_level_percent=self.feedback,
            actual_level_percent=None if self.lies_about_output else round(output),
            supply_voltage_v=self.random.uniform(205, 245),
            active_power_w=round(power_w, 1),
            switch_on_counter=self.switch_ons,
            lamp_failure=False,
            control_gear_failure=False,
        )


def night(random: Random) -> Iterator[tuple[HealthyLamp, LampReading]]:
    """The readings of a day and a night with random polls, overrides and controller resets."""
    lamp = HealthyLamp(
        random,
        rated_w=random.choice([20.0, 40.0, 90.0, 150.0, 250.0]),
        fade_s=random.choice([0.5, 2.0, 10.0, 90.0, 300.0]),
        lies_about_output=random.random() < 0.3,
    )
    poll_s = random.choice([60.0, 120.0, 300.0, 600.0])
    changes = [(hour * 3600 + random.uniform(0, 30), level) for hour, level in NIGHT_PLAN]
    changes += [
        (random.uniform(0, DAY_S), random.choice([0, 5, 10, 30, 50, 70, 100]))
        for _ in range(random.randrange(12))
    ]
    resets = [random.uniform(0, DAY_S) for _ in range(random.randrange(3))]
    at_s = random.uniform(0, poll_s)
    changes.sort()
    while at_s < DAY_S:
        while resets and min(resets) < at_s:
            moment = min(resets)
            resets.remove(moment)
            lamp.feedback = 0
            lamp.tell(100, moment)  # boots to its power-on level
            yield lamp, lamp.reading(max(moment, at_s - 0.5))  # the poll that finds the new boot counter
            lamp.tell(lamp.target, at_s - 0.4)
        while changes and changes[0][0] < at_s:
            moment, lamp.target = changes.pop(0)
            if random.random() < 0.5:
                yield lamp, lamp.reading(moment)  # a poll between the decision and the wire
            lamp.tell(lamp.target, moment + random.uniform(0.1, 10))
            if random.random() < 0.8:
                yield lamp, lamp.reading(lamp.commanded_at_s + random.uniform(0.05, 30))  # read-back
        yield lamp, lamp.reading(at_s)
        at_s += poll_s * random.uniform(0.9, 1.1)


def alarms_of(random: Random) -> list[AlarmChange]:
    state: LampAlarms = DeviceAlarms()
    changes: list[AlarmChange] = []
    for lamp, reading in night(random):
        state, new = evaluate_lamp(state, reading, lamp.rated_w)
        changes += new
    return changes


@pytest.mark.parametrize("block", range(10))
def test_no_false_alarm(block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        assert alarms_of(Random(seed)) == [], f"seed {seed}"


@pytest.mark.parametrize("poll_s", [60, 300, 600])
@pytest.mark.parametrize("hour", [6.5, 9.0, 11.5, 16.0])
def test_a_lamp_that_fails_at_night_is_found_by_the_second_dark_poll(poll_s: int, hour: float) -> None:
    lamp = HealthyLamp(Random(1), 90.0, 2.0, lies_about_output=False)
    state: LampAlarms = DeviceAlarms()
    raised_s, plan = None, [(hour * 3600, level) for hour, level in NIGHT_PLAN]
    for at_s in range(0, int(17.5 * 3600), poll_s):
        while plan and plan[0][0] <= at_s:
            moment, lamp.target = plan.pop(0)
            lamp.tell(lamp.target, moment)
        if at_s >= hour * 3600:
            lamp.strength = 0.005
        state, changes = evaluate_lamp(state, lamp.reading(at_s), lamp.rated_w)
        assert [change.type for change in changes] in ([], [EventType.LAMP_FAILURE])
        raised_s = at_s if changes else raised_s
    first_dark_s = -(-int(hour * 3600) // poll_s) * poll_s
    assert raised_s == first_dark_s + poll_s

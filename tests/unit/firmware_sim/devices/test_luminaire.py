"""The luminaire behaves as a lighting engineer expects, and does not depend on who reads it and how often."""

import math
import random
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from firmware_sim.devices.luminaire import Luminaire, LuminaireTraits, Measurement
from firmware_sim.devices.mains import Feeder, FeederTraits, ambient_c
from firmware_sim.faults import LUMINAIRE_FAULTS, FaultType

NIGHT = 1_750_000_000.0
HOUR = 3600.0
BANDUNG = 107.5
STEADY = FeederTraits(230.0, (0.0, 0.0, 0.0), 0.0, 0.0)


def traits_of(seed: int = 1, rated_power_w: float = 90.0, distance: float = 0.5) -> LuminaireTraits:
    return LuminaireTraits.draw(random.Random(seed), rated_power_w, BANDUNG, distance, phase=0)


def luminaire_of(seed: int = 1, rated_power_w: float = 90.0) -> Luminaire:
    feeder = Feeder(STEADY, rated_power_w * 50, 1.75, BANDUNG)
    return Luminaire(traits_of(seed, rated_power_w), feeder, NIGHT)


def settled(level: float, *faults: FaultType, seed: int = 1) -> Measurement:
    luminaire = luminaire_of(seed)
    for fault in faults:
        luminaire.set_fault(fault, True, NIGHT)
    luminaire.command(level, 1.0, NIGHT)
    return luminaire.measure(NIGHT + 4 * HOUR)


def test_power_follows_the_level_with_driver_losses_and_standby() -> None:
    rated = 90.0 * (1 + traits_of().tolerance)
    assert settled(100).active_power_w == pytest.approx(rated, rel=0.005)
    assert 0.50 < settled(50).active_power_w / rated < 0.54
    assert 0.12 < settled(10).active_power_w / rated < 0.18
    assert 0.5 <= settled(0).active_power_w <= 1.0


@given(low=st.integers(1, 99))
def test_more_level_is_more_power_and_more_light(low: int) -> None:
    dim, bright = settled(low), settled(low + 1)
    assert dim.active_power_w < bright.active_power_w
    assert dim.light < bright.light


def test_power_factor_falls_when_dimmed() -> None:
    factors = [settled(level).power_factor for level in (100, 50, 20, 10, 0)]
    assert factors[0] > 0.95
    assert 0.85 < factors[1] < 0.95
    assert all(0.3 < factor <= 1 for factor in factors)
    assert factors == sorted(factors, reverse=True)


@pytest.mark.parametrize("level", [0, 10, 50, 100])
def test_volts_amperes_and_factor_make_the_watts(level: int) -> None:
    truth = settled(level)
    watts = truth.supply_voltage_v * truth.supply_current_a * truth.power_factor
    assert watts == pytest.approx(truth.active_power_w)


def test_a_driver_warms_up_by_its_time_constant_and_cools_again() -> None:
    luminaire, traits = luminaire_of(), traits_of()
    luminaire.command(100, 0.0, NIGHT)

    def rise(at: float) -> float:
        return luminaire.measure(at).temperature_c - ambient_c(at, BANDUNG)

    assert rise(NIGHT + 1) < 0.5
    assert rise(NIGHT + traits.warm_up_s) == pytest.approx(traits.rise_k * (1 - math.exp(-1)), rel=0.05)
    assert rise(NIGHT + 10 * HOUR) == pytest.approx(traits.rise_k, rel=0.05)
    luminaire.command(0, 0.0, NIGHT + 10 * HOUR)
    assert rise(NIGHT + 20 * HOUR) < 1.0


def test_cold_leds_draw_a_little_more() -> None:
    luminaire = luminaire_of()
    luminaire.command(100, 0.0, NIGHT)
    cold = luminaire.measure(NIGHT + 1).active_power_w
    assert 1.01 < cold / luminaire.measure(NIGHT + 6 * HOUR).active_power_w < 1.03


def test_energy_is_power_over_time() -> None:
    luminaire = luminaire_of()
    luminaire.command(100, 0.0, NIGHT)
    warm = luminaire.measure(NIGHT + 6 * HOUR)
    later = luminaire.measure(NIGHT + 16 * HOUR)
    assert later.energy_wh - warm.energy_wh == pytest.approx(10 * warm.active_power_w, rel=0.001)
    assert later.lit_s - warm.lit_s == pytest.approx(10 * HOUR)


def test_light_wears_to_four_fifths_in_the_rated_life() -> None:
    luminaire, traits = luminaire_of(), traits_of()
    luminaire.command(100, 0.0, NIGHT)
    new = luminaire.measure(NIGHT + 1).light
    old = luminaire.measure(NIGHT + traits.l80_h * HOUR).light
    assert old / new == pytest.approx(0.8, rel=0.01)


def test_a_fade_passes_the_levels_between() -> None:
    luminaire = luminaire_of()
    luminaire.command(100, 10.0, NIGHT)
    assert luminaire.measure(NIGHT + 5).level_percent == pytest.approx(50)
    luminaire.command(0, 10.0, NIGHT + 5)
    assert luminaire.measure(NIGHT + 10).level_percent == pytest.approx(25)
    assert luminaire.measure(NIGHT + 15).level_percent == 0


commands = st.lists(
    st.tuples(
        st.floats(0, 8 * HOUR),
        st.integers(0, 100) | st.sampled_from(sorted(LUMINAIRE_FAULTS)),
        st.booleans(),
    ),
    max_size=8,
)


def play(story: list[tuple[float, int | FaultType, bool]], looks: list[float]) -> list[Measurement]:
    """Tell a luminaire its story, looking at the given moments; what it is like at the end of the night."""
    luminaire = luminaire_of()
    moments = sorted(
        [*((at, what) for at, *what in story), *((at, []) for at in looks)], key=lambda each: each[0]
    )
    seen = []
    for at, what in moments:
        if not what:
            seen.append(luminaire.measure(NIGHT + at))
        elif isinstance(what[0], FaultType):
            luminaire.set_fault(what[0], bool(what[1]), NIGHT + at)
        else:
            luminaire.command(float(str(what[0])), 2.0, NIGHT + at)
    return [*seen, luminaire.measure(NIGHT + 9 * HOUR)]


@given(story=commands, looks=st.lists(st.floats(0, 9 * HOUR), max_size=12))
@example(story=[(0.0, 1, False), (0.0, FaultType.DIMMING_IGNORED, True)], looks=[1.0])
def test_looking_changes_nothing(
    story: list[tuple[float, int | FaultType, bool]], looks: list[float]
) -> None:
    watched, alone = play(story, looks)[-1], play(story, [])[-1]
    assert watched.energy_wh == pytest.approx(alone.energy_wh, rel=1e-9)
    assert watched.lit_s == pytest.approx(alone.lit_s, abs=1e-3)
    assert watched.switch_ons == alone.switch_ons
    assert watched.temperature_c == pytest.approx(alone.temperature_c, abs=1e-6)


@given(story=commands, looks=st.lists(st.floats(0, 9 * HOUR), min_size=2, max_size=12))
def test_counters_only_grow(story: list[tuple[float, int | FaultType, bool]], looks: list[float]) -> None:
    seen = play(story, looks)
    for before, after in pairwise(seen):
        assert after.energy_wh >= before.energy_wh
        assert after.lit_s >= before.lit_s
        assert after.switch_ons >= before.switch_ons


def test_a_healthy_lamp_never_looks_faulty() -> None:
    for seed in range(40):
        rng = random.Random(seed)
        feeder = Feeder(FeederTraits.draw(rng), 60 * 90.0, 2.1, BANDUNG)
        lamps = [
            Luminaire(LuminaireTraits.draw(rng, 90.0, BANDUNG, n / 50, n % 3), feeder, NIGHT)
            for n in (1, 25, 50)
        ]
        feeder.load_w = 57 * 90.0
        for lamp in lamps:
            lamp.command(100, 1.0, NIGHT)
        for minute in range(0, 24 * 60, 7):
            for lamp in lamps:
                truth = lamp.measure(NIGHT + 60 + minute * 60)
                assert 215 <= truth.supply_voltage_v <= 235
                assert 0.94 < truth.active_power_w / 90.0 < 1.07
                assert truth.temperature_c < 70


def test_mains_sag_with_load_and_distance() -> None:
    feeder = Feeder(STEADY, 4500.0, 1.75, BANDUNG)
    unloaded = feeder.voltage(NIGHT, 1.0, 0)
    feeder.load_w = 4500.0
    near, far = feeder.voltage(NIGHT, 0.1, 0), feeder.voltage(NIGHT, 1.0, 0)
    assert far < near < unloaded
    assert 3 < unloaded - far < 8


def test_a_lit_line_tells_its_feeder_its_load() -> None:
    feeder = Feeder(STEADY, 180.0, 0.1, BANDUNG)
    lamps = [Luminaire(traits_of(seed), feeder, NIGHT) for seed in (1, 2)]
    for lamp in lamps:
        lamp.command(100, 1.0, NIGHT)
    assert feeder.load_w == pytest.approx(180.0, rel=0.05)
    lamps[0].set_fault(FaultType.SUPPLY_LOSS, True, NIGHT + 5)
    assert feeder.load_w == pytest.approx(90.0, rel=0.05)


@pytest.mark.parametrize(
    ("fault", "level", "lit", "least_w", "most_w"),
    [
        (FaultType.LAMP_OUT, 100, False, 2.0, 5.0),
        (FaultType.LAMP_OUT, 0, False, 0.5, 1.0),
        (FaultType.DRIVER_FAILURE, 100, False, 0.5, 1.0),
        (FaultType.RELAY_STUCK_ON, 0, True, 85.0, 95.0),
        (FaultType.RELAY_STUCK_ON, 50, True, 43.0, 50.0),
        (FaultType.DIMMING_IGNORED, 50, True, 85.0, 95.0),
        (FaultType.DIMMING_IGNORED, 0, False, 0.5, 1.0),
        (FaultType.SUPPLY_LOSS, 100, False, 0.0, 0.0),
    ],
)
def test_a_fault_shows_in_light_and_power(
    fault: FaultType, level: int, lit: bool, least_w: float, most_w: float
) -> None:
    truth = settled(level, fault)
    assert truth.lit is lit
    assert (truth.light > 0) is lit
    assert least_w <= truth.active_power_w <= most_w


def test_a_lamp_without_supply_shows_no_volts_and_no_amperes() -> None:
    truth = settled(100, FaultType.SUPPLY_LOSS)
    assert (truth.supply_voltage_v, truth.supply_current_a) == (0.0, 0.0)


def test_a_cycling_lamp_goes_off_and_on_and_counts_each_start() -> None:
    luminaire = luminaire_of()
    luminaire.command(100, 0.0, NIGHT)
    luminaire.set_fault(FaultType.CYCLING, True, NIGHT + 10)
    before = luminaire.measure(NIGHT + 10).switch_ons
    states = [luminaire.measure(NIGHT + 10 + second).lit for second in range(0, 1800, 20)]
    changes = sum(one != other for one, other in pairwise(states))
    assert changes >= 8
    assert luminaire.measure(NIGHT + 1810).switch_ons - before == 5


def test_a_mended_lamp_shines_as_commanded() -> None:
    luminaire = luminaire_of()
    luminaire.command(70, 0.0, NIGHT)
    for fault in LUMINAIRE_FAULTS:
        luminaire.set_fault(fault, True, NIGHT + 1)
    assert not luminaire.measure(NIGHT + 2).lit
    for fault in LUMINAIRE_FAULTS:
        luminaire.set_fault(fault, False, NIGHT + 3)
    assert luminaire.measure(NIGHT + 4).level_percent == 70

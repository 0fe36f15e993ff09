"""The controller keeps to its register map and to what its firmware promises."""

import random
import struct

import pytest

from firmware_sim.devices.controller import BOOT_S, LampController
from firmware_sim.devices.luminaire import Luminaire, LuminaireTraits
from firmware_sim.devices.mains import Feeder, FeederTraits
from firmware_sim.faults import FaultType
from protocols.modbus.builtin import load_builtin
from protocols.modbus.codec import Value, decode_block, encode_write, plan_reads
from protocols.modbus.profile import Poll, Table

NIGHT = 1_750_000_000.0
PROFILE = load_builtin("lentera-lamp")


@pytest.fixture
def controller() -> LampController:
    rng = random.Random(1)
    feeder = Feeder(FeederTraits.draw(rng), 4500.0, 1.75, 107.5)
    return LampController(Luminaire(LuminaireTraits.draw(rng, 90.0, 107.5, 0.5, 0), feeder, NIGHT), 7, NIGHT)


def write(controller: LampController, point: str, value: float, t_s: float) -> bytes:
    request = encode_write(PROFILE, point, value)
    assert controller.hears(t_s)
    return controller.answer(struct.pack(">BHH", 6, request.address, request.words[0]), t_s)


def read(controller: LampController, t_s: float, poll: Poll = Poll.FAST) -> dict[str, Value]:
    """What a gateway would make of the controller's answer."""
    (block,) = plan_reads(PROFILE, poll)
    assert controller.hears(t_s)
    function = 4 if block.table is Table.INPUT else 3
    answer = controller.answer(struct.pack(">BHH", function, block.address, block.count), t_s)
    assert answer[:2] == bytes((function, 2 * block.count))
    return decode_block(PROFILE, block, struct.unpack(f">{block.count}H", answer[2:]))


def test_a_written_level_is_the_target_then_the_feedback_then_the_light(controller: LampController) -> None:
    assert write(controller, "target_level_percent", 60, NIGHT) == b"\x06\x00\x00\x00\x3c"
    assert read(controller, NIGHT, Poll.SLOW)["target_level_percent"] == 60
    values = read(controller, NIGHT + 5)
    assert (values["feedback_level_percent"], values["actual_level_percent"]) == (60, 60)
    assert values["lamp_on"] is True
    truth = controller.measure(NIGHT + 5)
    assert values["active_power_w"] == pytest.approx(truth.active_power_w, abs=0.05)
    assert values["supply_voltage_v"] == pytest.approx(truth.supply_voltage_v, abs=0.05)
    assert values["active_energy_kwh"] == pytest.approx(truth.energy_wh / 1000, abs=0.001)
    assert values["boot_counter"] == 7


@pytest.mark.parametrize(
    ("request_pdu", "code"),
    [
        (b"\x01\x00\x00\x00\x08", 1),
        (b"\x2b\x0e\x01\x00", 1),
        (b"\x04\x00\x10\x00\x01", 2),
        (b"\x04\x00\x08\x00\x09", 2),
        (b"\x03\x00\x00\x00\x06", 2),
        (b"\x04\x00\x00\x00\x00", 3),
        (b"\x04\x00\x00\x00\x7e", 3),
        (b"\x06\x00\x05\x00\x01", 2),
        (b"\x06\x00\x00\x00\x65", 3),
        (b"\x10\x00\x00\x00\x02\x04\x00\x32\xff\xff", 3),
        (b"\x10\x00\x00\x00\x02\x03\x00\x32\x00", 3),
    ],
)
def test_a_request_it_cannot_serve_is_refused_and_changes_nothing(
    controller: LampController, request_pdu: bytes, code: int
) -> None:
    before = read(controller, NIGHT, Poll.SLOW)
    assert controller.answer(request_pdu, NIGHT) == bytes((request_pdu[0] | 0x80, code))
    assert read(controller, NIGHT, Poll.SLOW) == before


def test_a_level_out_of_range_sets_the_limit_error_until_a_good_one(controller: LampController) -> None:
    controller.answer(b"\x06\x00\x00\x00\x8c", NIGHT)
    assert read(controller, NIGHT)["limit_error"] is True
    write(controller, "target_level_percent", 40, NIGHT)
    assert read(controller, NIGHT)["limit_error"] is False


def test_several_registers_are_written_at_once(controller: LampController) -> None:
    answer = controller.answer(b"\x10\x00\x00\x00\x02\x04\x00\x32\x00\x00", NIGHT)
    assert answer == b"\x10\x00\x00\x00\x02"
    values = read(controller, NIGHT, Poll.SLOW)
    assert (values["target_level_percent"], values["fade_time_s"]) == (50, 0)


def test_the_watchdog_takes_over_when_the_gateway_falls_silent(controller: LampController) -> None:
    write(controller, "watchdog_timeout_s", 600, NIGHT)
    write(controller, "watchdog_level_percent", 80, NIGHT)
    write(controller, "target_level_percent", 30, NIGHT)
    assert controller.measure(NIGHT + 599).level_percent == 30
    assert controller.measure(NIGHT + 603).level_percent == 80
    values = read(controller, NIGHT + 700)
    assert values["watchdog_active"] is True
    assert values["feedback_level_percent"] == 80
    write(controller, "target_level_percent", 30, NIGHT + 700)
    assert read(controller, NIGHT + 705)["watchdog_active"] is False
    assert controller.measure(NIGHT + 705).level_percent == 30


def test_polling_keeps_the_watchdog_quiet_and_zero_turns_it_off(controller: LampController) -> None:
    write(controller, "target_level_percent", 30, NIGHT)
    for minute in range(0, 600, 30):
        assert read(controller, NIGHT + minute * 60)["watchdog_active"] is False
    write(controller, "watchdog_timeout_s", 0, NIGHT + 35_000)
    assert controller.measure(NIGHT + 400_000).level_percent == 30


def test_a_reboot_forgets_the_level_keeps_the_settings_and_counts(controller: LampController) -> None:
    write(controller, "target_level_percent", 30, NIGHT)
    write(controller, "power_on_level_percent", 70, NIGHT)
    controller.set_fault(FaultType.REBOOT, True, NIGHT + 10)
    assert not controller.hears(NIGHT + 10 + BOOT_S / 2)
    values = read(controller, NIGHT + 20)
    assert values["boot_counter"] == 8
    assert values["power_cycle_seen"] is True
    assert (values["feedback_level_percent"], values["actual_level_percent"]) == (70, 70)
    assert not controller.faults
    write(controller, "target_level_percent", 30, NIGHT + 30)
    assert read(controller, NIGHT + 35)["power_cycle_seen"] is False


def test_an_open_light_source_is_reported_when_it_should_shine(controller: LampController) -> None:
    controller.set_fault(FaultType.LAMP_OUT, True, NIGHT)
    assert read(controller, NIGHT)["lamp_failure"] is False
    write(controller, "target_level_percent", 100, NIGHT)
    values = read(controller, NIGHT + 5)
    assert (values["lamp_failure"], values["lamp_on"], values["actual_level_percent"]) == (True, False, 0)


def test_a_dead_driver_leaves_what_it_would_measure_unknown(controller: LampController) -> None:
    write(controller, "target_level_percent", 100, NIGHT)
    controller.set_fault(FaultType.DRIVER_FAILURE, True, NIGHT + 5)
    values = read(controller, NIGHT + 10)
    assert values["control_gear_failure"] is True
    assert (values["actual_level_percent"], values["temperature_c"]) == (None, None)
    assert values["feedback_level_percent"] == 100


def test_a_silent_controller_hears_nothing(controller: LampController) -> None:
    controller.set_fault(FaultType.SILENT, True, NIGHT)
    assert not controller.hears(NIGHT)
    controller.set_fault(FaultType.SILENT, False, NIGHT)
    assert controller.hears(NIGHT)

"""Whom a reading reaches, and what is known of a device from reading it: in virtual time."""

import pytest

from edge.devices.device import Device, device_of
from edge.line import Lane, NoResponseError
from edge.polling.presence import FAILURES_UNTIL_UNRESPONSIVE, Presence, PresenceState
from protocols.cabinet import CabinetReading
from protocols.events import DeviceEvent, EventType
from protocols.lamp import LampReading, Reason
from protocols.modbus.builtin import load_builtin
from tests.support import virtual_time
from tests.support.street import Block, Controller

CABINET_UNIT = 9


class Lamps:
    """Takes readings of lamps."""

    def __init__(self) -> None:
        self.seen: list[LampReading] = []

    def observe(self, device: Device, reading: LampReading) -> None:
        assert device.id == reading.device_id
        self.seen.append(reading)


class Cabinets:
    """Takes readings of cabinets."""

    def __init__(self) -> None:
        self.seen: list[CabinetReading] = []

    def observe(self, device: Device, reading: CabinetReading) -> None:
        assert device.id == reading.device_id
        self.seen.append(reading)


def observed(block: Block) -> tuple[Lamps, Cabinets]:
    lamps, cabinets = Lamps(), Cabinets()
    block.reader.lamp_observers.append(lamps)
    block.reader.cabinet_observers.append(cabinets)
    return lamps, cabinets


def test_a_poll_reaches_the_observers_of_its_kind() -> None:
    async def main() -> None:
        cabinet = device_of("cabinet", CABINET_UNIT, load_builtin("pzem-016"))
        block = Block(others=[cabinet])
        block.street.units[CABINET_UNIT] = Controller()
        lamps, cabinets = observed(block)
        block.want(40)
        await block.reader.poll(block.lamps[0], Lane.READING)
        await block.reader.poll(cabinet, Lane.READING)
        assert [each.device_id for each in lamps.seen] == ["lamp-1"]
        assert [each.device_id for each in cabinets.seen] == ["cabinet"]
        assert (lamps.seen[0].target_level_percent, lamps.seen[0].reason) == (40, Reason.PROGRAM)
        assert block.records == [*lamps.seen, *cabinets.seen]

    virtual_time.run(main())


def test_a_read_back_is_recorded_and_left_to_its_caller() -> None:
    async def main() -> None:
        block = Block()
        lamps, _ = observed(block)
        reading = await block.reader.read_lamp(block.lamps[0], Lane.COMMAND)
        assert block.records == [reading]
        assert block.presence().last_reading is reading
        assert lamps.seen == []

    virtual_time.run(main())


def test_a_lost_port_is_no_fault_of_its_devices() -> None:
    async def main() -> None:
        block = Block()
        block.want(40)
        assert not await block.write(block.lamps, Lane.READ_BACK)
        records = list(block.records)
        block.reader.port_lost()
        assert block.presence().state is PresenceState.UNKNOWN
        assert block.written() == (None, None)
        assert block.records == records

    virtual_time.run(main())


def test_silence_begins_with_the_third_failure_and_ends_with_a_response() -> None:
    async def main() -> None:
        block = Block()
        block.controller().is_silent = True
        for failure in range(1, FAILURES_UNTIL_UNRESPONSIVE + 2):
            with pytest.raises(NoResponseError):
                await block.reader.poll(block.lamps[0], Lane.READING)
            assert block.presence().is_unresponsive is (failure >= FAILURES_UNTIL_UNRESPONSIVE)
        block.controller().is_silent = False
        await block.reader.poll(block.lamps[0], Lane.READING)
        events = [each for each in block.records if isinstance(each, DeviceEvent)]
        assert [(each.type, each.active) for each in events] == [
            (EventType.COMMUNICATION_FAILURE, True),
            (EventType.COMMUNICATION_FAILURE, False),
        ]
        assert block.presence().is_responsive
        assert block.presence().failures == 0

    virtual_time.run(main())


def test_a_boot_counter_shows_a_restart_and_the_first_one_seen_does_not() -> None:
    presence = Presence()
    assert presence.record_boot(7, None) == ""
    assert presence.record_boot(7, None) == ""
    assert presence.record_boot(9, None) == "boot counter went from 7 to 9"
    assert presence.record_boot(None, None) == ""
    assert presence.boot_counter == 9


def test_without_a_boot_counter_the_rise_of_the_power_cycle_flag_is_a_restart() -> None:
    presence = Presence()
    seen = [presence.record_boot(None, flag) != "" for flag in (True, True, False, True, True, False, True)]
    assert seen == [False, False, False, True, False, False, True]

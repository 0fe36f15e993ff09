"""A level is told with the fade asked for, and counts as taken when the lamp says so: in virtual time."""

from edge.control.level_writer import ATTEMPTS, proof_of
from edge.devices.device import Device, feedback_of
from edge.line import Lane
from protocols.lamp import LampReading
from protocols.modbus.builtin import load_builtin
from protocols.modbus.profile import Profile, parse_profile
from tests.support import virtual_time
from tests.support.street import FADE, LEVEL, WRITE_ONLY, Block

READ_BACK = """id = "echo"
name = "Gives back what was asked"
kind = "lamp"
[[register]]
name = "target_level_percent"
table = "holding"
address = 0
type = "u16"
access = "rw"
poll = "slow"
error_values = [0xFFFF]
[[register]]
name = "active_power_w"
table = "input"
address = 5
type = "u16"
"""


def with_fast_target() -> Profile:
    """A profile with both: the level asked for, at every poll, and the level in effect."""
    return load_builtin("lentera-lamp").always_reading("target_level_percent")


def test_a_lamp_that_does_not_tell_its_level_has_not_confirmed_it() -> None:
    async def main() -> None:
        for profile in (load_builtin("lentera-lamp"), with_fast_target()):
            block = Block(profiles={1: profile})
            block.want(40)
            block.controller().masks = True
            problems = await block.teller.settle(block.lamps, Lane.COMMAND)
            (problem,) = problems.values()
            assert problem.why == "does not tell its level, expected 40 %"
            assert problem.disobeyed
            assert block.controller().writes.count((LEVEL, 40)) == ATTEMPTS
            assert block.lamps[0].written_level_percent is None
            reading = block.lamps[0].last_reading
            assert isinstance(reading, LampReading)
            assert reading.feedback_level_percent is None

    virtual_time.run(main())


def test_a_lamp_that_knows_its_level_a_moment_later_is_confirmed() -> None:
    async def main() -> None:
        block = Block()
        block.want(40)
        block.controller().masks = True
        block.reader.add_observer(lambda _: setattr(block.controller(), "masks", False))
        confirmed: list[Device] = []
        assert not await block.teller.settle(block.lamps, Lane.COMMAND, on_confirmed=confirmed.append)
        assert confirmed == block.lamps

    virtual_time.run(main())


def test_a_lamp_that_only_gives_back_what_was_asked_is_read_back_by_that() -> None:
    async def main() -> None:
        block = Block(profiles={1: parse_profile(READ_BACK, "echo.toml")})
        block.want(40)
        assert not await block.teller.settle(block.lamps, Lane.COMMAND)
        block.want(60)
        block.controller().ignores = True
        (problem,) = (await block.teller.settle(block.lamps, Lane.COMMAND)).values()
        assert problem.why == "reads back level 40 %, expected 60 %"

    virtual_time.run(main())


def test_a_lamp_that_never_tells_is_confirmed_by_each_writes_acknowledgement() -> None:
    async def main() -> None:
        assert feedback_of(WRITE_ONLY) is None
        block = Block(profiles={1: WRITE_ONLY})
        block.want(40)
        for _ in range(2):
            confirmed: list[object] = []
            assert not await block.teller.settle(block.lamps, Lane.COMMAND, on_confirmed=confirmed.append)
            assert confirmed == block.lamps
        assert block.controller().writes == [(LEVEL, 40), (LEVEL, 40)]
        block.controller().loses_acknowledgements = True
        (problem,) = (await block.teller.settle(block.lamps, Lane.COMMAND)).values()
        assert "no answer" in problem.why

    virtual_time.run(main())


def test_a_fade_that_nobody_knows_is_set_before_the_level() -> None:
    async def main() -> None:
        block = Block()
        block.want(40)
        block.controller().holdings[FADE] = 600
        await block.teller.settle(block.lamps, Lane.READ_BACK)
        assert block.controller().writes == [(FADE, 0), (LEVEL, 40)]
        block.want(60)
        await block.teller.settle(block.lamps, Lane.READ_BACK)
        assert block.controller().writes[2:] == [(LEVEL, 60)]

    virtual_time.run(main())


def test_a_fade_is_set_anew_after_a_restart_a_silence_and_a_write_that_was_not_answered() -> None:
    async def main() -> None:
        block = Block()
        lamp, controller = block.lamps[0], block.controller()
        block.want(40)
        await block.teller.settle(block.lamps, Lane.READ_BACK)

        controller.restart()
        await block.reader.read(lamp, Lane.READING)
        assert (lamp.written_level_percent, lamp.written_ramp_s) == (None, None)
        await block.teller.settle(block.lamps, Lane.READ_BACK)

        controller.loses_acknowledgements = True
        block.want(60)
        assert await block.teller.settle(block.lamps, Lane.READ_BACK)
        assert (lamp.written_level_percent, lamp.written_ramp_s) == (None, None)
        controller.loses_acknowledgements = False
        controller.writes.clear()
        await block.teller.settle(block.lamps, Lane.READ_BACK)
        assert controller.writes == [(FADE, 0), (LEVEL, 60)]

        controller.is_silent = True
        block.want(80)
        assert await block.teller.settle(block.lamps, Lane.READ_BACK)
        controller.is_silent = False
        assert (lamp.written_level_percent, lamp.written_ramp_s) == (None, None)

    virtual_time.run(main())


def test_a_line_of_one_profile_is_told_by_one_broadcast_and_each_lamp_proves_it() -> None:
    async def main() -> None:
        block = Block(lamps=10)
        for level, broadcasts in ((40, [(FADE, 0), (LEVEL, 40)]), (60, [(LEVEL, 60)])):
            block.street.broadcasts.clear()
            block.want(level)
            assert not await block.teller.settle(block.lamps, Lane.READ_BACK, may_broadcast=True)
            assert block.street.broadcasts == broadcasts
            assert all(each.holdings[LEVEL] == level for each in block.street.units.values())
        assert block.street.reads >= 20

    virtual_time.run(main())


def test_without_leave_nothing_is_broadcast() -> None:
    async def main() -> None:
        block = Block(lamps=10)
        block.want(40)
        assert not await block.teller.settle(block.lamps, Lane.READ_BACK)
        assert not block.street.broadcasts

    virtual_time.run(main())


def test_after_a_broadcast_that_may_not_have_gone_out_nothing_is_known() -> None:
    async def main() -> None:
        block = Block(lamps=5)
        block.want(40)
        await block.teller.settle(block.lamps, Lane.READ_BACK, may_broadcast=True)
        block.want(60)
        block.street.port_goes = True
        problems = await block.teller.settle(block.lamps, Lane.READ_BACK, may_broadcast=True)
        assert all("unplugged" in each.why for each in problems.values())
        assert {(lamp.written_level_percent, lamp.written_ramp_s) for lamp in block.lamps} == {(None, None)}

    virtual_time.run(main())


def test_a_ramp_out_of_range_is_refused_before_anything_is_written() -> None:
    async def main() -> None:
        for lamps in (1, 5):
            block = Block(lamps=lamps)
            block.want(40)
            await block.teller.settle(block.lamps, Lane.READ_BACK, may_broadcast=True)
            writes = len(block.controller().writes)
            block.want(60)
            problems = await block.teller.settle(block.lamps, Lane.COMMAND, 700.0, may_broadcast=True)
            assert len(problems) == lamps
            assert all("fade_time_s is 700.0, expected 0 to 600 s" in each.why for each in problems.values())
            assert len(block.controller().writes) == writes
            assert block.lamps[0].written_level_percent == 40

    virtual_time.run(main())


def test_a_confirmation_says_when_it_rests_on_an_acknowledgement_alone() -> None:
    seen, unseen = Block().lamps[0], Block(profiles={1: WRITE_ONLY}).lamps[0]
    assert proof_of(seen) == ""
    assert proof_of(unseen) == "acknowledged; the lamp never tells its level"


def test_a_broadcast_does_not_count_as_told_to_a_lamp_that_is_away() -> None:
    async def main() -> None:
        block = Block(lamps=5)
        away = block.lamps[4]
        block.controller(5).is_silent = True
        away.answering = False
        for level in (40, 60):
            block.street.broadcasts.clear()
            block.want(level)
            assert not await block.teller.settle(block.lamps[:4], Lane.READ_BACK, may_broadcast=True)
            assert (away.written_level_percent, away.written_ramp_s) == (None, None)
        assert block.street.broadcasts == [(LEVEL, 60)]

    virtual_time.run(main())

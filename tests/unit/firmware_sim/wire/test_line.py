"""The line keeps a real wire's time and spoils answers as a real wire does."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest

from firmware_sim.devices.controller import LampController
from firmware_sim.devices.luminaire import Luminaire, LuminaireTraits
from firmware_sim.devices.mains import Feeder, FeederTraits
from firmware_sim.faults import Fault, FaultType
from firmware_sim.wire.frames import build_frame, frame_is_whole
from firmware_sim.wire.line import SimulatedLine, Station
from firmware_sim.wire.timing import SimulatedWireTiming, WireTimer
from tests.conftest import PATIENCE_S, eventually

NIGHT = 1_750_000_000.0
READ_LAMP = b"\x04\x00\x00\x00\x10"
LEVEL_60 = b"\x06\x00\x00\x00\x3c"


@pytest.fixture
async def timer() -> AsyncIterator[WireTimer]:
    wire_timer = WireTimer(asyncio.get_running_loop())
    wire_timer.start()
    yield wire_timer
    wire_timer.close()


class Gateway:
    """Puts requests on a line and notes the answers with their time."""

    def __init__(self, timer: WireTimer, baud: int, strict: bool = False) -> None:
        rng = random.Random(1)
        feeder = Feeder(FeederTraits.draw(rng), 270.0, 0.1, 107.5)
        self.controllers = {
            unit: LampController(
                Luminaire(LuminaireTraits.draw(rng, 90.0, 107.5, unit / 3, unit), feeder, NIGHT), 1, NIGHT
            )
            for unit in (0x01, 0x02)
        }
        self.stations = {
            unit: Station(f"lamp-{unit}", controller) for unit, controller in self.controllers.items()
        }
        self.polls: list[tuple[str, float, bytes]] = []
        self.line = SimulatedLine(
            name="test-1",
            stations=self.stations,
            timing=SimulatedWireTiming(baud),
            timer=timer,
            now_s=lambda: NIGHT,
            rng=rng,
            on_poll=lambda *poll: self.polls.append(poll),
            strict=strict,
        )
        self._answers: asyncio.Queue[tuple[bytes, float]] = asyncio.Queue()

    def put(self, frame: bytes) -> float:
        at = time.monotonic()
        self.line.receive(frame, lambda reply: self._answers.put_nowait((reply, time.monotonic())))
        return at

    async def answer(self, timeout_s: float = PATIENCE_S) -> tuple[bytes, float]:
        return await asyncio.wait_for(self._answers.get(), timeout_s)

    async def quiet(self, wall_s: float) -> bool:
        """Whether nothing comes for so long."""
        try:
            await self.answer(wall_s)
        except TimeoutError:
            return True
        return False

    def spoil(self, fault: FaultType, probability: float = 1.0) -> None:
        self.stations[1].wire_faults[fault] = Fault(fault, probability)


@pytest.mark.parametrize("baud", [9600, 19200, 115200])
@pytest.mark.timing
async def test_an_answer_never_comes_faster_than_the_wire_allows(timer: WireTimer, baud: int) -> None:
    gateway, timing = Gateway(timer, baud), SimulatedWireTiming(baud)
    legal = (8 + 37) * timing.character_s + timing.silence_s + timing.turnaround_s[0]
    slowest = legal - timing.turnaround_s[0] + timing.turnaround_s[1]
    times = []
    for _ in range(12):
        at = gateway.put(build_frame(1, READ_LAMP))
        reply, done = await gateway.answer()
        assert frame_is_whole(reply)
        times.append(done - at)
        await asyncio.sleep(0.005)
    assert min(times) >= legal
    assert sorted(times)[len(times) // 2] < slowest + 0.001
    assert gateway.line.statistics.silence_violations == 0


def test_silence_is_three_and_a_half_characters_and_fixed_above_19200_baud() -> None:
    assert SimulatedWireTiming(9600).silence_s == pytest.approx(0.00401, abs=1e-5)
    assert SimulatedWireTiming(19200).silence_s == pytest.approx(0.002005, abs=1e-5)
    assert SimulatedWireTiming(38400).silence_s == SimulatedWireTiming(115200).silence_s == 0.00175


@pytest.mark.timing
async def test_a_request_right_after_an_answer_violates_the_silence(timer: WireTimer) -> None:
    gateway = Gateway(timer, 19200)
    gateway.put(build_frame(1, READ_LAMP))
    await gateway.answer()
    gateway.put(build_frame(1, READ_LAMP))
    await gateway.answer()
    assert gateway.line.statistics.silence_violations == 1


async def test_a_strict_line_loses_a_request_that_breaks_the_silence(timer: WireTimer) -> None:
    gateway = Gateway(timer, 19200, strict=True)
    gateway.put(build_frame(1, READ_LAMP) + build_frame(2, READ_LAMP))
    reply, _ = await gateway.answer()
    assert reply[0] == 1
    assert await gateway.quiet(0.1)
    assert gateway.line.statistics.silence_violations == 1


async def test_a_broadcast_reaches_all_and_nobody_answers(timer: WireTimer) -> None:
    gateway = Gateway(timer, 115200)
    gateway.put(build_frame(0, LEVEL_60))
    await eventually(lambda: gateway.line.statistics.broadcasts == 1, what="the broadcast")
    assert await gateway.quiet(0.05)
    assert [controller.feedback_percent for controller in gateway.controllers.values()] == [60, 60]
    assert gateway.line.statistics.broadcasts == 1


async def test_nobody_answers_for_a_unit_that_is_not_there_or_silent(timer: WireTimer) -> None:
    gateway = Gateway(timer, 115200)
    gateway.put(build_frame(9, READ_LAMP))
    gateway.controllers[1].set_fault(FaultType.SILENT, True, NIGHT)
    await eventually(lambda: gateway.line.statistics.unanswered == 1, what="the first request")
    gateway.put(build_frame(1, READ_LAMP))
    await eventually(lambda: gateway.line.statistics.unanswered == 2, what="the second request")
    assert await gateway.quiet(0.05)
    assert gateway.line.statistics.unanswered == 2


async def test_a_broken_request_is_dropped(timer: WireTimer) -> None:
    gateway = Gateway(timer, 115200)
    frame = build_frame(1, READ_LAMP)
    gateway.put(frame[:-1] + bytes((frame[-1] ^ 1,)))
    await eventually(lambda: gateway.line.statistics.crc_errors == 1, what="the request")
    assert await gateway.quiet(0.05)
    assert gateway.line.statistics.crc_errors == 1


async def test_a_request_may_come_in_pieces_but_a_rest_that_never_comes_is_forgotten(
    timer: WireTimer,
) -> None:
    gateway = Gateway(timer, 115200)
    frame = build_frame(1, READ_LAMP)
    for byte in frame:
        gateway.put(bytes((byte,)))
    assert frame_is_whole((await gateway.answer())[0])
    gateway.put(frame[:5])
    await asyncio.sleep(0.15)
    gateway.put(frame)
    assert frame_is_whole((await gateway.answer())[0])
    assert gateway.line.statistics.crc_errors == 1


async def test_a_corrupt_response_fails_its_crc_as_often_as_set(timer: WireTimer) -> None:
    gateway = Gateway(timer, 0)
    gateway.spoil(FaultType.CORRUPT_CRC, 0.5)
    whole = 0
    for _ in range(200):
        gateway.put(build_frame(1, READ_LAMP))
        whole += frame_is_whole((await gateway.answer())[0])
    assert 60 < whole < 140
    assert len(gateway.polls) == whole


async def test_a_wrong_unit_answers_with_a_whole_frame_of_another(timer: WireTimer) -> None:
    gateway = Gateway(timer, 115200)
    gateway.spoil(FaultType.WRONG_UNIT)
    gateway.put(build_frame(1, READ_LAMP))
    reply, _ = await gateway.answer()
    assert frame_is_whole(reply)
    assert reply[0] == 2
    assert gateway.polls == []


@pytest.mark.timing
async def test_a_late_answer_comes_after_every_sensible_timeout(timer: WireTimer) -> None:
    gateway = Gateway(timer, 115200)
    gateway.spoil(FaultType.LATE_ANSWER)
    at = gateway.put(build_frame(1, READ_LAMP))
    reply, done = await gateway.answer()
    assert frame_is_whole(reply)
    assert 0.6 < done - at < 1.5


async def test_a_late_answer_during_another_request_is_a_collision_that_nobody_understands(
    timer: WireTimer,
) -> None:
    gateway = Gateway(timer, 1200)  # a request takes 73 ms, so they meet
    gateway.spoil(FaultType.LATE_ANSWER)
    gateway.put(build_frame(1, LEVEL_60))
    deadline = time.monotonic() + PATIENCE_S
    while not gateway.line.statistics.collisions and time.monotonic() < deadline:
        await asyncio.sleep(0.12)
        gateway.put(build_frame(9, LEVEL_60))
    reply, _ = await gateway.answer()
    assert not frame_is_whole(reply)


async def test_polls_are_noted_with_what_was_answered(timer: WireTimer) -> None:
    gateway = Gateway(timer, 115200)
    gateway.put(build_frame(2, READ_LAMP))
    reply, _ = await gateway.answer()
    assert gateway.polls == [("lamp-2", NIGHT, reply)]


@pytest.mark.timing
async def test_the_timer_is_never_early_and_hardly_late(timer: WireTimer) -> None:
    late: list[float] = []
    done = asyncio.Event()
    start = time.monotonic() + 0.01
    deadlines = [start + number * 0.0013 for number in range(60)]
    for deadline in random.Random(1).sample(deadlines, len(deadlines)):

        def due(deadline: float = deadline) -> None:
            late.append(time.monotonic() - deadline)
            if len(late) == len(deadlines):
                done.set()

        timer.call_at(deadline, due)
    await asyncio.wait_for(done.wait(), PATIENCE_S)
    assert min(late) >= 0
    assert sorted(late)[len(late) // 2] < 0.001

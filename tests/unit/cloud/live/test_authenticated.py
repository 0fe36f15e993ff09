"""A reader of the live feed is authenticated again once a minute."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from cloud.live.routes import while_authenticated


@dataclass
class Wall:
    """Seconds that the stream lets pass."""

    now_s: float = 0.0

    def __call__(self) -> float:
        """The present second."""
        return self.now_s


async def _clock_events(wall: Wall) -> AsyncIterator[bytes]:
    for second in range(200):
        wall.now_s = float(second)
        yield b"clock"


@pytest.mark.parametrize(("answers", "seconds"), [([False], 60), ([True, False], 120), ([True] * 3, 200)])
async def test_whoever_lost_access_hears_no_more(answers: list[bool], seconds: int) -> None:
    """The stream ends within a minute of the session; it goes on while that lasts."""
    wall, requested = Wall(), iter(answers)
    heard = [event async for event in while_authenticated(_clock_events(wall), lambda: next(requested), wall)]
    assert len(heard) == seconds
    assert next(requested, None) is None

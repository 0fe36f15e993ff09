"""Failed logins slow down the next ones."""

from dataclasses import dataclass

from cloud.access.throttle import LoginThrottle


@dataclass
class Wall:
    """Seconds that a test lets pass."""

    now_s: float = 100.0

    def __call__(self) -> float:
        """The present second."""
        return self.now_s


def test_ten_failures_make_the_next_wait() -> None:
    """Until the first of them is a minute old."""
    wall = Wall()
    throttle = LoginThrottle(wall)
    for _ in range(10):
        assert throttle.wait_s("ana") == 0
        throttle.failed("ana")
        wall.now_s += 1
    assert throttle.wait_s("ana") == 50
    wall.now_s += 50
    assert throttle.wait_s("ana") == 0


def test_names_are_counted_apart() -> None:
    """One name under attack doesn't lock out another."""
    throttle = LoginThrottle(Wall())
    for _ in range(20):
        throttle.failed("ana")
    assert throttle.wait_s("ana") > 0
    assert throttle.wait_s("budi") == 0


def test_many_names_take_no_more_memory() -> None:
    """Guessing names can't fill the memory."""
    throttle = LoginThrottle(Wall())
    for number in range(30_000):
        throttle.failed(f"name-{number}")
    assert len(throttle._failures) <= 10_000

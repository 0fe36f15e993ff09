"""Failed logins slow down the next ones."""

from dataclasses import dataclass
from threading import Event, Thread

from cloud.access.throttle import HashingQueue, LoginThrottle
from tests.conftest import PATIENCE_S, wait_until


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
    throttle = LoginThrottle(wall, 10)
    for _ in range(10):
        assert throttle.wait_s("ana") == 0
        throttle.failed("ana")
        wall.now_s += 1
    assert throttle.wait_s("ana") == 50
    wall.now_s += 50
    assert throttle.wait_s("ana") == 0


def test_names_are_counted_apart() -> None:
    """One name under attack doesn't lock out another."""
    throttle = LoginThrottle(Wall(), 10)
    for _ in range(20):
        throttle.failed("ana")
    assert throttle.wait_s("ana") > 0
    assert throttle.wait_s("budi") == 0


def test_many_names_take_no_more_memory() -> None:
    """Guessing names can't fill the memory."""
    throttle = LoginThrottle(Wall(), 10)
    for number in range(30_000):
        throttle.failed(f"name-{number}")
    assert len(throttle._failures) <= 10_000


def test_many_names_do_not_set_a_guesser_free() -> None:
    """An address that is slowed down stays so, however many other names are tried in between."""
    throttle = LoginThrottle(Wall(), 10)
    for number in range(30_000):
        throttle.failed(f"name-{number}")
        if number % 5_000 == 0:
            throttle.failed("ana")
        if number >= 25_000 and number % 500 == 0:
            throttle.failed("ana")
    assert throttle.wait_s("ana") > 0


def test_passwords_wait_for_their_turn_in_a_short_queue() -> None:
    """Two are worked on and eight wait; the eleventh is refused at once."""
    queue = HashingQueue()
    ended = Event()
    granted: list[bool] = []

    def log_in() -> None:
        with queue.place() as mine:
            granted.append(mine)
            ended.wait(PATIENCE_S)

    threads = [Thread(target=log_in) for _ in range(10)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(granted) == 2 and queue._places._value == 0, what="a full queue")
    with queue.place() as mine:
        assert not mine
    ended.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert granted == [True] * 10

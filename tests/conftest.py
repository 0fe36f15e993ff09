"""Real parts for tests: programs, free ports, a broker, and waiting for conditions."""

import asyncio
import functools
import itertools
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"

# Two busy cores make a deadline a coin toss. What lands is judged by the same examples every time; runs on
# a laptop go on searching for new ones.
settings.register_profile("laptop", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "laptop")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Beside `-m`, so that tests may still be selected by marker."""
    parser.addoption(
        "--timing", choices=("with", "without", "only"), default="with", help="run tests marked `timing`"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over files without tests that measure time where only those are wanted: importing takes long."""
    if config.getoption("timing") != "only" or collection_path.suffix != ".py":
        return None
    return True if "mark.timing" not in collection_path.read_text(encoding="utf-8") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `--timing` does not want, and begin with the tests that may take longest.

    Where one begins later, a worker runs it alone at the end while the others have nothing left to do.
    """
    wanted = {"with": (True, False), "without": (False,), "only": (True,)}[config.getoption("timing")]
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        measures_time = item.get_closest_marker("timing") is not None
        (kept if measures_time in wanted else left_out).append(item)
    if left_out:
        items[:] = kept
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=_timeout_s, reverse=True)


class ModuleFixtureScheduling(LoadScopeScheduling):  # type: ignore[misc]  # the library is untyped
    """Hands out tests one by one, but those of a module with a fixture of its own scope together.

    Else each worker would build the wheel, run the month and start the storm for itself, two of them into
    the same folders.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if _shares_a_fixture(module) else nodeid


@functools.cache
def _shares_a_fixture(module: str) -> bool:
    return 'fixture(scope="module"' in (Path(__file__).parents[1] / module).read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ModuleFixtureScheduling:
    """Decide how `--dist` distributes tests over workers."""
    return ModuleFixtureScheduling(config, log)


def _timeout_s(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return 0.0 if marker is None else float(marker.args[0])


_PORTS_PER_WORKER = 3_400
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 6
_FIRST_PORT = 12_000 + _WORKER * _PORTS_PER_WORKER
# It begins anywhere, so that the tests of two checkouts on one machine do not go through the same ports.
_PORTS = itertools.cycle(
    random.sample(range(_FIRST_PORT, _FIRST_PORT + _PORTS_PER_WORKER), _PORTS_PER_WORKER)
)


def require_program(name: str, *elsewhere: str) -> str:
    """The path of an installed program; skips the test without it, or fails when CI=true."""
    for candidate in (name, *elsewhere, f"/usr/sbin/{name}"):
        if found := shutil.which(candidate):
            return found
    reason = f"{name} is not installed (Debian package list: packages.txt)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def shared_data(name: str) -> Path:
    """A file of the reference data beside the checkout; skips the test where it is absent."""
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"reference data {name} is not beside this checkout")
    return path


def free_port() -> int:
    """A TCP port on loopback that nothing listens on, and that no other test is given for a long while.

    It is below the ports that the system gives to clients and to processes that bind port 0: another
    process could take one of those before the test listens on it.
    """
    while True:
        port = next(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as every server does
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def accepts_connections(port: int) -> bool:
    """Whether something listens on loopback at `port`."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


PATIENCE_S = 60.0
"""How long a test waits for what must come; a bound on that is for tests marked `timing`."""


def wait_until(
    condition: Callable[[], object], timeout_s: float = PATIENCE_S, what: str = "the condition"
) -> None:
    """Block until `condition()` is true; fails naming `what` after `timeout_s` wall seconds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come true within {timeout_s} s")
        time.sleep(0.02)


async def eventually(
    condition: Callable[[], object | Awaitable[object]],
    timeout_s: float = PATIENCE_S,
    what: str = "the condition",
) -> None:
    """As `wait_until`, on the event loop; `condition` may be a coroutine function."""
    deadline = time.monotonic() + timeout_s
    while True:
        outcome = condition()
        if isinstance(outcome, Awaitable):
            outcome = await outcome
        if outcome:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come true within {timeout_s} s")
        await asyncio.sleep(0.02)


class Broker:
    """A real mosquitto on a loopback port that a test may kill and start again."""

    def __init__(self, program: str, port: int, folder: Path) -> None:
        self.port = port
        self._program = program
        self._config = folder / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "max_queued_messages 0\n"
        )
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_until(lambda: accepts_connections(self.port), what="mosquitto")
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    """A running broker of the test's own."""
    broker = Broker(require_program("mosquitto"), free_port(), tmp_path)
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()

"""`lentera demo`: starts a simulated town before sunset, with its map ready for the browser."""

import asyncio
import json
import shutil
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from rich.console import Console

from lentera.clocks import CLOCK_VARIABLE, shared_clock, to_variable
from lentera.demo.broker import broker_spec
from lentera.demo.cloud import CloudAccess, prepare_cloud
from lentera.demo.processes import Processes, ProcessSpec, running_processes
from lentera.demo.town import TownSettings, dusk_start, poll_interval_s, write_gateway_configs
from protocols.clock import ScaledClock
from protocols.inventory.model import Inventory, encode

READY_TIMEOUT_S = 90.0
PROBE_INTERVAL_S = 0.1
PROCESSES = "processes"
"""Subfolder for the logs and ids of the processes."""


class DemoError(Exception):
    """The demo cannot run; the message names the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of the command line."""

    speed: float
    start: datetime | None
    port: int
    baud: int
    seed: int
    faults_per_1000_lamps: float
    as_json: bool
    folder: Path | None
    web_dir: Path | None


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports of one demo."""

    broker: int
    sim: int
    web: int
    uplinks: dict[str, int]


async def run_demo(inventory: Inventory, options: DemoOptions) -> None:
    """Run until cancelled.

    Raises:
        DemoError: a port or the folder cannot be used, or a part does not become ready in time.
        ProcessFailedError: a process ended before the demo was ready.
    """
    with (
        suppress(asyncio.CancelledError),
        _folder(options.folder) as folder,
        reserved_ports(inventory, options.port) as ports,
    ):
        start = options.start or dusk_start(inventory, datetime.now(UTC), options.speed)
        clock = shared_clock(start, options.speed)
        async with running_processes(folder / PROCESSES) as processes:
            town = _Town(inventory, options, folder, ports, clock, processes)
            await town.bring_up()
            processes.are_ready = True
            await asyncio.Event().wait()


class _Town:
    """The steps of the start of a demo, in order."""

    def __init__(  # noqa: PLR0917 - it only assigns
        self,
        inventory: Inventory,
        options: DemoOptions,
        folder: Path,
        ports: Ports,
        clock: ScaledClock,
        processes: Processes,
    ) -> None:
        self._inventory = inventory
        self._options = options
        self._folder = folder
        self._ports = ports
        self._clock = clock
        self._processes = processes
        self._console = Console(stderr=True, quiet=options.as_json)

    async def bring_up(self) -> None:
        """Start every part and print the ready line."""
        with self._console.status("starting …") as status:
            document = self._folder / "inventory.json"
            document.write_bytes(encode(self._inventory))
            await self._processes.start(broker_spec(self._folder, self._ports.broker))
            await self._start("sim", "sim", *self._sim_arguments(document))
            status.update(f"{len(self._inventory.lamps)} lamps: preparing the cloud …")
            access = await asyncio.to_thread(prepare_cloud, self._folder, self._inventory, self._clock)
            for role in ("ingest", "api"):
                await self._start(role, "cloud", "--role", role, environment=self._cloud_environment(access))
            status.update(f"{len(self._inventory.gateways)} gateways: starting …")
            await self._start("edge", "edge", *self._edge_arguments())
            await self._reachable(f"http://127.0.0.1:{self._ports.sim}/sim/v1/clock", "the simulator")
            await self._reachable(f"http://127.0.0.1:{self._ports.web}/readyz", "the cloud")
            status.update("waiting for the gateways to report …")
            await self._gateways_online(access)
        self._print_ready(access)

    async def _start(self, name: str, *arguments: str, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "lentera", *arguments]
        clock = {CLOCK_VARIABLE: to_variable(self._clock)}
        await self._processes.start(ProcessSpec(name, command, {**clock, **(environment or {})}))

    def _sim_arguments(self, document: Path) -> list[str]:
        uplinks = self._folder / "uplinks.json"
        uplinks.write_text(json.dumps(self._ports.uplinks))
        return [
            *("--inventory", str(document), "--run-dir", str(self._folder), "--port", str(self._ports.sim)),
            *("--seed", str(self._options.seed), "--baud", str(self._options.baud)),
            *("--faults", str(self._options.faults_per_1000_lamps)),
            *("--uplinks", str(uplinks), "--broker-port", str(self._ports.broker)),
        ]

    def _edge_arguments(self) -> list[str]:
        settings = TownSettings(
            lines_folder=self._folder / "lines",
            state_folder=self._folder / "gateways",
            uplink_ports=self._ports.uplinks,
            baud=self._options.baud,
            poll_interval_s=poll_interval_s(len(self._inventory.lamps), self._options.speed),
        )
        settings.state_folder.mkdir(exist_ok=True)
        configs = self._folder / "gateways"
        write_gateway_configs(self._inventory, settings, configs)
        return ["--config", str(configs)]

    def _cloud_environment(self, access: CloudAccess) -> dict[str, str]:
        web_dir = {} if self._options.web_dir is None else {"LENTERA_WEB_DIR": str(self._options.web_dir)}
        return {
            "LENTERA_DATABASE_URL": access.database_url,
            "LENTERA_TELEMETRY_URL": access.telemetry_url,
            "LENTERA_MQTT_HOST": "127.0.0.1",
            "LENTERA_MQTT_PORT": str(self._ports.broker),
            "LENTERA_HTTP_HOST": "127.0.0.1",
            "LENTERA_HTTP_PORT": str(self._ports.web),
            **web_dir,
        }

    async def _reachable(self, url: str, what: str) -> None:
        async with httpx.AsyncClient() as client:
            await _until(lambda: _answers(client, url), f"{what} to respond at {url}")

    async def _gateways_online(self, access: CloudAccess) -> None:
        url = f"http://127.0.0.1:{self._ports.web}/api/v1/summary"
        headers = {"Authorization": f"Bearer {access.token}"}
        async with httpx.AsyncClient(headers=headers) as client:
            await _until(lambda: _all_online(client, url), "a sign of life of every gateway")

    def _print_ready(self, access: CloudAccess) -> None:
        url = f"http://127.0.0.1:{self._ports.web}/login?token={access.one_time_login}"
        if self._options.as_json:
            ready = {
                "event": "ready",
                "url": url,
                "token": access.token,
                "sim": f"http://127.0.0.1:{self._ports.sim}",
                "folder": str(self._folder),
            }
            sys.stdout.write(json.dumps(ready) + "\n")
        else:
            sys.stdout.write(f"Lentera is ready: {url}   (Ctrl-C ends it)\n")
            sys.stdout.write(f"The simulator answers at http://127.0.0.1:{self._ports.sim}/sim/v1/lamps\n")
        sys.stdout.flush()


async def _until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Poll until the condition is true; raises DemoError with `what` that did not happen."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            while not await holds():  # noqa: ASYNC110 - another process has no event to wait for
                await asyncio.sleep(PROBE_INTERVAL_S)
    except TimeoutError as error:
        raise DemoError(
            f"waited {READY_TIMEOUT_S:.0f} s for {what}, without success: see the logs with --folder"
        ) from error


async def _all_online(client: httpx.AsyncClient, url: str) -> bool:
    gateways = (await client.get(url)).raise_for_status().json()["gateways"]
    return bool(gateways["offline"] == 0)


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).is_success
    except httpx.TransportError:
        return False


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """Provide the demo's folder: the chosen one, or a temporary one that is deleted at the end."""
    if chosen is not None:
        if chosen.exists() and any(chosen.iterdir()):
            raise DemoError(f"--folder {chosen}: is not empty, expected a new or an empty folder")
        chosen.mkdir(parents=True, exist_ok=True)
        (chosen / PROCESSES).mkdir(exist_ok=True)
        yield chosen.resolve()
        return
    temporary = Path(tempfile.mkdtemp(prefix="lentera-demo-"))
    try:
        (temporary / PROCESSES).mkdir()
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def reserved_ports(inventory: Inventory, web_port: int) -> Iterator[Ports]:
    """Choose free loopback ports, and hold them until the context ends; `web_port` 0 is any free one.

    A part listens on its port half a minute later on a busy machine. Until then the kernel could give it to
    any connection of any program; it gives no port to one that another socket is bound to. `SO_REUSEADDR`
    lets the part bind it all the same, for the socket here does not listen.

    Raises:
        DemoError: `web_port` is taken.
    """
    with ExitStack() as stack:
        web = _bind(stack, web_port)
        if web is None:
            raise DemoError(f"--port {web_port}: is in use, expected another port, or 0 for any free one")
        free = [_bind(stack, 0) or 0 for _ in range(2 + len(inventory.gateways))]
        uplinks = {gateway.id: port for gateway, port in zip(inventory.gateways, free[2:], strict=True)}
        yield Ports(broker=free[0], sim=free[1], web=web, uplinks=uplinks)


def _bind(stack: ExitStack, port: int) -> int | None:
    holder = stack.enter_context(socket.socket())
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind(("127.0.0.1", port))
    except OSError:
        return None
    chosen: int = holder.getsockname()[1]
    return chosen

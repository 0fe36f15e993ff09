"""A small town of real processes: one simulator, one broker, an ingester, an API and a process per gateway.

At 60-fold time each of the 20 lamps is read once a second; lamps are commanded, restarted and silenced all
the while, so that readings, results and events are under way whenever something breaks.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from lentera.clocks import CLOCK_VARIABLE, shared_clock, to_variable
from lentera.demo.broker import broker_spec
from lentera.demo.cloud import CloudAccess, prepare_cloud
from lentera.demo.processes import ProcessSpec
from lentera.demo.town import TownSettings, write_gateway_configs
from protocols.clock import ScaledClock
from protocols.inventory.model import Area, Cabinet, Gateway, Inventory, Lamp, encode
from tests.chaos import witness
from tests.chaos.audit import Verdict, audit, read_store
from tests.chaos.disk import SmallDisk
from tests.conftest import accepts_connections, free_port, wait_until

SPEED = 60.0
BAUD = 38400
POLL_INTERVAL_S = 60.0
LAMPS_PER_GATEWAY = 10
GATEWAYS = ("bojong-01", "cikal-02")
AREA = Area("32.04.37", "Soreang", -7.031, 107.519)
START = datetime(2026, 6, 21, 10, 30, tzinfo=UTC)  # dusk: the programme switches soon

LONGEST_JOIN = timedelta(days=20)
"""Records of starts that never knew the time are joined; each start adds up to ten wall minutes."""
LATE = timedelta(hours=3)
"""A clock error that cannot be noticed at this speed, and what a slow link adds to the cloud's time."""

_ENDING_S = 10.0


class Child:
    """One process of the town, which may be killed and started again; its log goes on."""

    def __init__(self, spec: ProcessSpec, folder: Path) -> None:
        self.name = spec.name
        self.crashes = 0
        """How often it ended without a signal from the test."""
        self._spec = spec
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._folder / f"{self.name}.log"

    def start(self) -> None:
        """Start it, unless it runs."""
        if self._process is None:
            with self.log.open("ab") as log:
                environment = {**os.environ, **self._spec.environment}
                self._process = subprocess.Popen(
                    self._spec.command, stdout=log, stderr=log, env=environment, start_new_session=True
                )

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def end(self) -> None:
        """Ask it to end; kill it when it does not."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_ENDING_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def serves(self, port: int) -> bool:
        """Whether it can be reached; started again until then."""
        self.revive()
        return accepts_connections(port)

    def revive(self) -> None:
        """Start it again when it has ended by itself, as systemd would."""
        if self._process is not None and self._process.poll() is not None:
            self.crashes += 1
            self._process = None
            self.start()


class ChaosTown:
    """What faults are done to, and what is held against the outboxes afterwards."""

    def __init__(  # noqa: PLR0917 - it only assigns
        self,
        folder: Path,
        children: Mapping[str, Child],
        disks: Mapping[str, SmallDisk],
        broker_port: int,
        sim: httpx.Client,
        api: httpx.Client,
        clock: ScaledClock,
    ) -> None:
        self.folder = folder
        self.children = children
        self.disks = disks
        self.broker_port = broker_port
        self.lamps = [lamp.id for lamp in inventory().lamps]
        self._sim = sim
        self._clock = clock
        self.spoiled: dict[str, set[int]] = {name: set() for name in GATEWAYS}
        """By gateway the positions that had a bit flipped while they waited."""
        self._hold: sqlite3.Connection | None = None
        self._locks: dict[Path, sqlite3.Connection] = {}
        self._api = api

    def revive(self) -> None:
        """Start again what has ended by itself."""
        for child in self.children.values():
            child.revive()

    def crashes(self) -> dict[str, int]:
        """How often which process ended without a signal from the test."""
        return {name: child.crashes for name, child in self.children.items() if child.crashes}

    def set_network(self, gateway_id: str, **network: object) -> None:
        """Cut, spoil or mend a gateway's uplink."""
        request = {"up": True, **network}
        self._sim.post(f"/sim/v1/gateways/{gateway_id}/network", json=request).raise_for_status()

    def hold_store(self) -> None:
        """Lock the telemetry store against other writers: what the ingester has received stays unstored."""
        path = self.folder / "telemetry.db"
        self._hold = sqlite3.connect(path, timeout=30, isolation_level=None)
        self._hold.execute("BEGIN IMMEDIATE")

    def release_store(self) -> None:
        """Let the store be written again."""
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    def lock(self, path: Path) -> None:
        """Lock a database against other writers, as a backup or an open shell would."""
        connection = sqlite3.connect(path, timeout=5, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            connection.close()
            raise
        self._locks[path] = connection

    def unlock(self, *paths: Path) -> None:
        """Let these, or all, be written again."""
        for path in paths or list(self._locks):
            if (connection := self._locks.pop(path, None)) is not None:
                connection.close()

    def spoil(self, gateway_id: str, choice: float) -> None:
        """Flip a bit of a record that waits in the outbox of a gateway that is not running."""
        position = witness.spoil(self.outbox(gateway_id), choice)
        if position is not None:
            self.spoiled[gateway_id].add(position)

    def set_clock(self, gateway_id: str, off_s: float) -> None:
        """Put a gateway's domain clock `off_s` wrong."""
        target = _step_file(self.folder, gateway_id)
        new = target.with_suffix(".new")
        new.write_text(str(off_s))
        new.replace(target)

    def break_lamp(self, lamp_id: str, fault: str) -> None:
        """Restart or silence a lamp controller."""
        self._sim.post(f"/sim/v1/lamps/{lamp_id}/faults", json={"type": fault}).raise_for_status()

    def mend_lamp(self, lamp_id: str) -> None:
        """Make a lamp controller whole again."""
        self._sim.delete(f"/sim/v1/lamps/{lamp_id}/faults").raise_for_status()

    def command(self, lamp_ids: Sequence[str], level: int) -> bool:
        """Override lamps through the API; False when it says that the broker is away."""
        body = {"lampIds": list(lamp_ids), "level": level, "duration": 1800, "note": "chaos"}
        answer = self._api.post("/api/v1/commands", json=body)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            return False
        answer.raise_for_status()
        return True

    def answered_polls(self) -> int:
        """How many polls the simulated controllers have answered."""
        items: list[object] = self._sim.get("/sim/v1/log").raise_for_status().json()["items"]
        return len(items)

    def look(self) -> list[witness.OutboxView]:
        """Every outbox, now."""
        return [witness.look(gateway_id, self.outbox(gateway_id)) for gateway_id in GATEWAYS]

    def outbox(self, gateway_id: str) -> Path:
        """A gateway's outbox file."""
        return _disk_folder(self.folder, gateway_id) / f"{gateway_id}.outbox.db"

    def memory(self, gateway_id: str) -> Path:
        """A gateway's memory file."""
        return _disk_folder(self.folder, gateway_id) / f"{gateway_id}.state.db"

    def audit(self) -> Verdict:
        """Hold the outboxes against the store; all may run on meanwhile."""
        before = self.look()
        stored = read_store(self.folder)
        span = START - LONGEST_JOIN, self._clock.now() + LATE
        return audit(before, stored, self.look(), self.spoiled, span)

    def drain(self, timeout_s: float) -> None:
        """Wait until the cloud has acknowledged every record there is now; new ones may wait."""
        marks = {view.gateway_id: view.last_position for view in self.look()}
        for gateway_id, position in marks.items():
            path = self.outbox(gateway_id)
            wait_until(
                lambda path=path, position=position: self._waiting(path, position) == 0,  # type: ignore[misc]
                timeout_s,
                f"{gateway_id}: every record up to {position} acknowledged",
            )

    def set_aside(self) -> list[Path]:
        """Outbox files that a gateway found unreadable."""
        return [
            path
            for gateway_id in GATEWAYS
            for path in _disk_folder(self.folder, gateway_id).glob("*unreadable*")
        ]

    def _waiting(self, path: Path, position: int) -> int:
        self.revive()
        return witness.waiting_up_to(path, position)


def inventory() -> Inventory:
    """Two gateways with ten lamps and a cabinet each."""
    gateways = [Gateway(name, AREA.id, AREA.latitude, AREA.longitude, "Asia/Jakarta") for name in GATEWAYS]
    lamps = [
        Lamp(f"{name[:3].upper()}-{unit:03}", AREA.id, name, 1, unit, AREA.latitude, AREA.longitude)
        for name in GATEWAYS
        for unit in range(1, LAMPS_PER_GATEWAY + 1)
    ]
    unit = LAMPS_PER_GATEWAY + 1
    cabinets = [Cabinet(f"{name}-cabinet", name, 1, unit, unit + 1) for name in GATEWAYS]
    return Inventory([AREA], gateways, lamps, cabinets=cabinets)


@contextmanager
def running_town(folder: Path, seed: int) -> Iterator[ChaosTown]:
    """A town at dusk with a witness in every outbox; ends its processes and its disks."""
    place, clock = inventory(), shared_clock(START, SPEED)
    ports = {name: free_port() for name in ("broker", "sim", "api", *GATEWAYS)}
    with ExitStack() as stack:
        disks = {name: stack.enter_context(_disk(_disk_folder(folder, name))) for name in GATEWAYS}
        _prepare_gateways(folder, place, ports)
        access = prepare_cloud(folder, place, clock)
        specs = _specs(folder, place, ports, clock, access, seed)
        children = {spec.name: Child(spec, folder) for spec in specs}
        for child in children.values():
            stack.callback(child.end)
        for child in children.values():
            child.start()
            if child.name in ports:
                port = ports[child.name]
                wait_until(lambda child=child, port=port: child.serves(port), 60, child.name)  # type: ignore[misc]
        sim = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{ports['sim']}", timeout=30))
        token = {"Authorization": f"Bearer {access.token}"}
        url = f"http://127.0.0.1:{ports['api']}"
        api = stack.enter_context(httpx.Client(base_url=url, headers=token, timeout=30))
        town = ChaosTown(folder, children, disks, ports["broker"], sim, api, clock)
        stack.callback(town.release_store)
        stack.callback(town.unlock)
        wait_until(lambda: len(read_store(folder).readings) > 0, 60, "a first reading in the store")
        yield town


def _specs(  # noqa: PLR0917 - all settings of the processes
    folder: Path,
    place: Inventory,
    ports: Mapping[str, int],
    clock: ScaledClock,
    access: CloudAccess,
    seed: int,
) -> list[ProcessSpec]:
    document, uplinks = folder / "inventory.json", folder / "uplinks.json"
    document.write_bytes(encode(place))
    uplinks.write_text(json.dumps({name: ports[name] for name in GATEWAYS}))
    lentera = [sys.executable, "-m", "lentera"]
    time = {CLOCK_VARIABLE: to_variable(clock)}
    cloud = {
        **time,
        "LENTERA_DATABASE_URL": access.database_url,
        "LENTERA_TELEMETRY_URL": access.telemetry_url,
        "LENTERA_MQTT_HOST": "127.0.0.1",
        "LENTERA_MQTT_PORT": str(ports["broker"]),
        "LENTERA_HTTP_HOST": "127.0.0.1",
        "LENTERA_HTTP_PORT": str(ports["api"]),
    }
    sim = [
        *("sim", "--inventory", str(document), "--run-dir", str(folder), "--port", str(ports["sim"])),
        *("--seed", str(seed), "--baud", str(BAUD)),
        *("--uplinks", str(uplinks), "--broker-port", str(ports["broker"])),
    ]
    gateways = [
        [
            sys.executable,
            "-m",
            "tests.chaos.gateway",
            str(_config(folder, name)),
            str(_step_file(folder, name)),
        ]
        for name in GATEWAYS
    ]
    return [
        broker_spec(folder, ports["broker"]),
        ProcessSpec("sim", [*lentera, *sim], time),
        ProcessSpec("ingest", [*lentera, "cloud", "--role", "ingest"], cloud),
        ProcessSpec("api", [*lentera, "cloud", "--role", "api"], cloud),
        *(
            ProcessSpec(f"edge-{name}", command, time)
            for name, command in zip(GATEWAYS, gateways, strict=True)
        ),
    ]


def _prepare_gateways(folder: Path, place: Inventory, ports: Mapping[str, int]) -> None:
    for gateway in place.gateways:
        settings = TownSettings(
            lines_folder=folder / "lines",
            state_folder=_disk_folder(folder, gateway.id),
            uplink_ports=ports,
            baud=BAUD,
            poll_interval_s=POLL_INTERVAL_S,
        )
        own = [lamp for lamp in place.lamps if lamp.gateway_id == gateway.id]
        cabinets = [cabinet for cabinet in place.cabinets if cabinet.gateway_id == gateway.id]
        alone = Inventory(place.areas, [gateway], own, cabinets=cabinets)
        write_gateway_configs(alone, settings, _config(folder, gateway.id).parent)
        _step_file(folder, gateway.id).write_text("0")
        witness.install(_disk_folder(folder, gateway.id) / f"{gateway.id}.outbox.db")


@contextmanager
def _disk(path: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(path)
    disk.mount()
    try:
        yield disk
    finally:
        disk.unmount()


def _disk_folder(folder: Path, gateway_id: str) -> Path:
    return folder / "disks" / gateway_id


def _config(folder: Path, gateway_id: str) -> Path:
    return folder / "gateways" / f"{gateway_id}.toml"


def _step_file(folder: Path, gateway_id: str) -> Path:
    return folder / f"{gateway_id}.clock"

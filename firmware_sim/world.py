"""All simulated lamps, cabinets, lines and uplinks of an inventory, and their faults."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from firmware_sim.config import SimulatorConfig
from firmware_sim.devices.cabinet import CabinetModel, Contacts, Meter
from firmware_sim.devices.controller import LampController
from firmware_sim.devices.luminaire import Luminaire, LuminaireTraits, Measurement
from firmware_sim.devices.mains import Feeder, FeederTraits
from firmware_sim.faults import WIRE_FAULTS, Fault, FaultType
from firmware_sim.poll_log import PollLog
from firmware_sim.town.streets import SPACING_M
from firmware_sim.wire.line import SimulatedLine, Station
from firmware_sim.wire.network import Network
from firmware_sim.wire.timing import SimulatedWireTiming, WireTimer
from protocols.clock import Clock
from protocols.inventory.lamp_list import MAX_PROBLEMS
from protocols.inventory.model import Inventory, InventoryError, Lamp
from protocols.modbus.builtin import load_builtin

PROFILE = "lentera-lamp"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class SimulatedLamp:
    """One lamp with its controller, its place on a line and its faults."""

    lamp: Lamp
    controller: LampController
    line: SimulatedLine
    faults: dict[FaultType, Fault]


@dataclass(slots=True)
class SimulatedCabinet:
    """The cabinet of one gateway, by its id."""

    id: str
    cabinet: CabinetModel


class World:
    """All that is simulated; cabinets by their gateway. An id outside the inventory raises KeyError."""

    def __init__(
        self,
        clock: Clock,
        lamps: dict[str, SimulatedLamp],
        lines: list[SimulatedLine],
        uplinks: dict[str, Network],
        journal: PollLog,
    ) -> None:
        self.clock = clock
        self.lamps = lamps
        self.lines = lines
        self.uplinks = uplinks
        self.journal = journal
        self.cabinets: dict[str, SimulatedCabinet] = {}

    def now_s(self) -> float:
        """Return domain time as Unix seconds."""
        return (self.clock.now() - _EPOCH).total_seconds()

    def measure(self, lamp_id: str) -> Measurement:
        """Return the physical state of a lamp, now."""
        return self.lamps[lamp_id].controller.measure(self.now_s())

    def inject(self, lamp_id: str, fault_type: FaultType, probability: float = 1.0) -> None:
        """Inject a fault; one already in force keeps its start."""
        simulated, now_s = self.lamps[lamp_id], self.now_s()
        fault = Fault(fault_type, probability)
        if fault_type is not FaultType.REBOOT:  # over at once
            fault = simulated.faults.setdefault(fault_type, fault)
        simulated.controller.set_fault(fault_type, True, now_s)
        if fault_type in WIRE_FAULTS:
            simulated.line.stations[simulated.lamp.unit].wire_faults[fault_type] = fault

    def mend(self, lamp_id: str, fault_type: FaultType | None = None) -> None:
        """End one fault, or with None all of them."""
        simulated, now_s = self.lamps[lamp_id], self.now_s()
        for each in [fault_type] if fault_type else list(simulated.faults):
            simulated.faults.pop(each, None)
            simulated.controller.set_fault(each, False, now_s)
            simulated.line.stations[simulated.lamp.unit].wire_faults.pop(each, None)


def build_world(config: SimulatorConfig, inventory: Inventory, clock: Clock, timer: WireTimer) -> World:
    """Build a world from `config.seed`: the same seed and inventory give the same lamps.

    Raises:
        InventoryError: a lamp has another controller than the one simulated here.
    """
    strangers = [lamp for lamp in inventory.lamps if lamp.profile != PROFILE]
    if strangers:
        raise InventoryError(
            f"lamps: {lamp.id!r} has profile {lamp.profile!r}, expected {PROFILE!r}, the one simulated"
            for lamp in strangers[:MAX_PROBLEMS]
        )
    journal = PollLog((lamp.id for lamp in inventory.lamps), config.logged_polls)
    world = World(clock, {}, [], {gateway.id: Network() for gateway in inventory.gateways}, journal)
    by_line: dict[tuple[str, int], list[Lamp]] = defaultdict(list)
    for lamp in inventory.lamps:
        by_line[lamp.gateway_id, lamp.line].append(lamp)
    feeders: dict[tuple[str, int], Feeder] = {}
    for (gateway_id, number), lamps in by_line.items():
        name = f"{gateway_id}-{number}"
        feeder = feeders[gateway_id, number] = _feeder(config.seed, name, lamps)
        controllers = _controllers(config.seed, lamps, feeder, world.now_s())
        line = SimulatedLine(
            name=name,
            stations={
                lamp.unit: Station(lamp.id, controller)
                for lamp, controller in zip(lamps, controllers, strict=True)
            },
            timing=SimulatedWireTiming(config.baud),
            timer=timer,
            now_s=world.now_s,
            rng=random.Random(f"{config.seed}:{name}:wire"),
            on_poll=journal.record,
            strict=config.strict_silence,
        )
        world.lines.append(line)
        for lamp, controller in zip(lamps, controllers, strict=True):
            world.lamps[lamp.id] = SimulatedLamp(lamp, controller, line, {})
    _add_cabinets(world, config.seed, inventory, feeders)
    return world


def _add_cabinets(
    world: World, seed: int, inventory: Inventory, feeders: Mapping[tuple[str, int], Feeder]
) -> None:
    """Add the cabinets: each counts the lamps of its gateway, and its units are stations of their line."""
    phases: dict[str, list[list[LampController]]] = defaultdict(lambda: [[], [], []])
    for simulated in world.lamps.values():
        phases[simulated.lamp.gateway_id][phase_of(simulated.lamp)].append(simulated.controller)
    lines = {line.name: line for line in world.lines}
    places = {gateway.id: (gateway.latitude, gateway.longitude) for gateway in inventory.gateways}
    for placed in inventory.cabinets:
        line = lines.get(f"{placed.gateway_id}-{placed.line}")
        if line is None or placed.gateway_id in world.cabinets:
            raise InventoryError(
                [f"cabinets: {placed.id!r}, expected one for each gateway, on a line that has lamps"]
            )
        feeder, rng = feeders[placed.gateway_id, placed.line], random.Random(f"{seed}:{placed.id}")
        cabinet = CabinetModel(
            phases[placed.gateway_id], feeder, rng, world.now_s(), places[placed.gateway_id]
        )
        world.cabinets[placed.gateway_id] = SimulatedCabinet(placed.id, cabinet)
        line.stations[placed.unit] = Station(None, Meter(cabinet, load_builtin(placed.profile)))
        if placed.contacts_unit is not None:
            contacts = Contacts(cabinet, load_builtin(placed.contacts_profile))
            line.stations[placed.contacts_unit] = Station(None, contacts)


def phase_of(lamp: Lamp) -> int:
    """Return the phase of a lamp, from 0: lamps along a street are wired to the phases in turn."""
    return lamp.unit % 3


def _feeder(seed: int, name: str, lamps: Sequence[Lamp]) -> Feeder:
    return Feeder(
        FeederTraits.draw(random.Random(f"{seed}:{name}:feeder")),
        full_load_w=sum(lamp.rated_power_w for lamp in lamps),
        length_km=len(lamps) * SPACING_M / 1000,
        longitude=lamps[0].longitude,
    )


def _controllers(seed: int, lamps: Sequence[Lamp], feeder: Feeder, now_s: float) -> list[LampController]:
    by_id = {}
    for position, lamp in enumerate(sorted(lamps, key=lambda each: each.unit), 1):
        rng = random.Random(f"{seed}:{lamp.id}")
        traits = LuminaireTraits.draw(
            rng,
            rated_power_w=lamp.rated_power_w,
            longitude=lamp.longitude,
            distance=position / len(lamps),
            phase=phase_of(lamp),
        )
        by_id[lamp.id] = LampController(Luminaire(traits, feeder, now_s), rng.randint(1, 40), now_s)
    return [by_id[lamp.id] for lamp in lamps]

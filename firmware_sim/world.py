"""All simulated lamps, lines and uplinks of an inventory, and the faults put on them."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from firmware_sim.config import SimulatorConfig
from firmware_sim.controller import LampController
from firmware_sim.faults import WIRE_FAULTS, Fault, FaultType
from firmware_sim.journal import PollJournal
from firmware_sim.line import Line, Station
from firmware_sim.luminaire import Luminaire, LuminaireTraits, Measurement
from firmware_sim.mains import Feeder, FeederTraits
from firmware_sim.streets import SPACING_M
from firmware_sim.timing import WireTimer, WireTiming
from firmware_sim.uplink import Network
from protocols.clock import Clock
from protocols.inventory.lamp_list import MAX_PROBLEMS
from protocols.inventory.model import Inventory, InventoryError, Lamp

PROFILE = "lentera-lamp"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class SimulatedLamp:
    """One lamp with its controller, its place on a line and its faults."""

    lamp: Lamp
    controller: LampController
    line: Line
    faults: dict[FaultType, Fault]


class World:
    """What there is. Lookups raise KeyError for ids that are not in the inventory."""

    def __init__(
        self,
        clock: Clock,
        lamps: dict[str, SimulatedLamp],
        lines: list[Line],
        uplinks: dict[str, Network],
        journal: PollJournal,
    ) -> None:
        self.clock = clock
        self.lamps = lamps
        self.lines = lines
        self.uplinks = uplinks
        self.journal = journal

    def now_s(self) -> float:
        """Domain time as Unix seconds."""
        return (self.clock.now() - _EPOCH).total_seconds()

    def measure(self, lamp_id: str) -> Measurement:
        """The physical truth of a lamp, now."""
        return self.lamps[lamp_id].controller.measure(self.now_s())

    def inject(self, lamp_id: str, fault_type: FaultType, probability: float = 1.0) -> None:
        """Break something; a fault already there stays as it began."""
        simulated, now_s = self.lamps[lamp_id], self.now_s()
        fault = Fault(fault_type, now_s, probability)
        if fault_type is not FaultType.REBOOT:  # over at once
            fault = simulated.faults.setdefault(fault_type, fault)
        simulated.controller.set_fault(fault_type, True, now_s)
        if fault_type in WIRE_FAULTS:
            simulated.line.stations[simulated.lamp.unit].wire_faults[fault_type] = fault

    def mend(self, lamp_id: str, fault_type: FaultType | None = None) -> None:
        """Undo one fault, or with None all of them."""
        simulated, now_s = self.lamps[lamp_id], self.now_s()
        for each in [fault_type] if fault_type else list(simulated.faults):
            simulated.faults.pop(each, None)
            simulated.controller.set_fault(each, False, now_s)
            simulated.line.stations[simulated.lamp.unit].wire_faults.pop(each, None)


def build_world(config: SimulatorConfig, inventory: Inventory, clock: Clock, timer: WireTimer) -> World:
    """A world as `config.seed` has it: the same seed and inventory give the same lamps.

    Raises InventoryError for lamps with another controller than the one simulated here.
    """
    strangers = [lamp for lamp in inventory.lamps if lamp.profile != PROFILE]
    if strangers:
        raise InventoryError(
            f"lamps: {lamp.id!r} has profile {lamp.profile!r}, expected {PROFILE!r}, the one simulated"
            for lamp in strangers[:MAX_PROBLEMS]
        )
    journal = PollJournal((lamp.id for lamp in inventory.lamps), config.logged_polls)
    world = World(clock, {}, [], {gateway.id: Network() for gateway in inventory.gateways}, journal)
    by_line: dict[tuple[str, int], list[Lamp]] = defaultdict(list)
    for lamp in inventory.lamps:
        by_line[lamp.gateway_id, lamp.line].append(lamp)
    for (gateway_id, number), lamps in by_line.items():
        name = f"{gateway_id}-{number}"
        stations = _stations(config.seed, name, lamps, world.now_s())
        line = Line(
            name=name,
            stations={lamp.unit: station for lamp, station in zip(lamps, stations, strict=True)},
            timing=WireTiming(config.baud),
            timer=timer,
            now_s=world.now_s,
            rng=random.Random(f"{config.seed}:{name}:wire"),
            on_poll=journal.record,
            strict=config.strict_silence,
        )
        world.lines.append(line)
        for lamp, station in zip(lamps, stations, strict=True):
            world.lamps[lamp.id] = SimulatedLamp(lamp, station.controller, line, {})
    return world


def _stations(seed: int, name: str, lamps: Sequence[Lamp], now_s: float) -> list[Station]:
    feeder = Feeder(
        FeederTraits.draw(random.Random(f"{seed}:{name}:feeder")),
        full_load_w=sum(lamp.rated_power_w for lamp in lamps),
        length_km=len(lamps) * SPACING_M / 1000,
        longitude=lamps[0].longitude,
    )
    stations = []
    for position, lamp in enumerate(sorted(lamps, key=lambda each: each.unit), 1):
        rng = random.Random(f"{seed}:{lamp.id}")
        traits = LuminaireTraits.draw(
            rng,
            rated_power_w=lamp.rated_power_w,
            longitude=lamp.longitude,
            distance=position / len(lamps),
            phase=lamp.unit % 3,
        )
        controller = LampController(Luminaire(traits, feeder, now_s), rng.randint(1, 40), now_s)
        stations.append((lamp.id, Station(lamp.id, controller)))
    by_id = dict(stations)
    return [by_id[lamp.id] for lamp in lamps]

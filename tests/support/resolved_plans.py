"""Small places under a plan, for tests."""

from datetime import time

from cloud.plans.model import DesiredPlan
from cloud.plans.resolved import ResolvedPlan, resolve_plan
from protocols.inventory.model import Area, Gateway, Inventory, Lamp
from protocols.lighting.calendar import Calendar, CalendarRule
from protocols.lighting.program import LightingProgram, SwitchPoint

SOREANG, PASIRJAMBU = "32.04.37", "32.04.38"

FULL = LightingProgram("full", "Full light")
MIDNIGHT = LightingProgram("midnight", "Off at midnight", switch_points=(SwitchPoint(time(0), 0),))
NEVER = LightingProgram("never", "Off", initial_level_percent=0)
PROGRAMS = {program.id: program for program in (FULL, MIDNIGHT, NEVER)}


def every_night(program: LightingProgram, calendar_id: str | None = None) -> Calendar:
    """A calendar that knows one program; its id is the program's unless given."""
    return Calendar(calendar_id or program.id, program.name, (CalendarRule(program.id),))


CALENDARS = {program.id: every_night(program) for program in PROGRAMS.values()}


def inventory(
    latitude: float = -7.03, longitude: float = 107.52, zone: str = "Asia/Jakarta", lamps: int = 20
) -> Inventory:
    """Two areas with a gateway each; its `lamps` 100 W lamps stand half in one and half in the other."""
    areas = [
        Area(SOREANG, "Soreang", latitude, longitude),
        Area(PASIRJAMBU, "Pasirjambu", latitude, longitude),
    ]
    gateways = [Gateway(f"g{at}", area.id, latitude, longitude, zone) for at, area in enumerate(areas, 1)]
    made = [
        Lamp(
            f"L{n:02}",
            areas[n % 2].id,
            gateways[n % 2].id,
            1,
            1 + n,
            latitude,
            longitude,
            rated_power_w=100.0,
        )
        for n in range(lamps)
    ]
    return Inventory(areas, gateways, made)


def town(desired: DesiredPlan | None = None, place: Inventory | None = None) -> ResolvedPlan:
    """The plan over the place; without a plan the built-in one."""
    return resolve_plan(desired or DesiredPlan(), place or inventory())

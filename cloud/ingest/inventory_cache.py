"""The inventory as ingesters need it: looked up by device, loaded again from time to time."""

from collections.abc import Callable

from cloud.alarms.model import AlarmedDevice
from cloud.ingest.batch import Node
from protocols.inventory.model import Inventory, Lamp


class InventoryCache:
    """Lamps, cabinets and gateways by id. `load` reads the inventory; it blocks.

    `lamps` has every lamp by its id, `areas` the area of every gateway by the gateway's id; both are replaced
    by `refresh`.
    """

    def __init__(self, load: Callable[[], Inventory]) -> None:
        self._load = load
        self.lamps: dict[str, Lamp] = {}
        self.areas: dict[str, str] = {}
        self._cabinets: dict[str, str] = {}

    def refresh(self) -> set[str]:
        """Load the inventory as it is now; return the lamps, cabinets and gateways that left it."""
        # One name space for all devices: alarms, results and dead letters name them by their id alone.
        before = {*self.lamps, *self.areas, *self._cabinets}
        inventory = self._load()
        self.lamps = {lamp.id: lamp for lamp in inventory.lamps}
        self.areas = {gateway.id: gateway.area_id for gateway in inventory.gateways}
        self._cabinets = {cabinet.id: cabinet.gateway_id for cabinet in inventory.cabinets}
        return before.difference(self.lamps, self.areas, self._cabinets)

    def owner(self, device_id: str) -> Node | None:
        """Return the node that reports a lamp, a cabinet or a gateway; None for what is in no inventory."""
        # What is in no inventory may be reported by any node: it is stored, and shown nowhere.
        lamp = self.lamps.get(device_id)
        gateway_id = lamp.gateway_id if lamp else self._cabinets.get(device_id, device_id)
        area_id = self.areas.get(gateway_id)
        return None if area_id is None else (area_id, gateway_id)

    def rated_power_w(self, lamp_id: str) -> float | None:
        """Return the lamp's rated power in W; None for a lamp that is in no inventory."""
        lamp = self.lamps.get(lamp_id)
        return None if lamp is None else lamp.rated_power_w

    def device(self, device_id: str, node: Node) -> AlarmedDevice:
        """Return the device with its place: that of `node` where it is in no inventory."""
        lamp = self.lamps.get(device_id)
        if lamp is not None:
            # A lamp may be in another area than its gateway; its alarms are listed in its own area.
            return AlarmedDevice(device_id, device_id, lamp.gateway_id, lamp.area_id)
        if device_id in self._cabinets:
            return self.cabinet(device_id, node)
        area_id, gateway_id = node
        is_gateway = device_id == gateway_id
        area_id = self.areas.get(gateway_id, area_id)
        return AlarmedDevice(device_id, None if is_gateway else device_id, gateway_id, area_id)

    def cabinet(self, cabinet_id: str, node: Node) -> AlarmedDevice:
        """Return a cabinet with its place."""
        gateway_id = self._cabinets.get(cabinet_id, node[1])
        return AlarmedDevice(cabinet_id, None, gateway_id, self.areas.get(gateway_id, node[0]))

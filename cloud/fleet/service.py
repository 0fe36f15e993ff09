"""What there is and how it stands: answers for lists, areas, roads and the summary."""

from cloud.fleet.gateways import GatewayStates
from cloud.fleet.lamps import LampFilter, LampStates
from cloud.fleet.summary import BoardCounter
from cloud.fleet.views import (
    W_PER_KW,
    AreaList,
    GatewayCount,
    GatewayDetail,
    GatewayPage,
    LampDetail,
    LampPage,
    RoadCollection,
    Summary,
    Tally,
    area_view,
    center_of,
    lamp_detail,
    main_time_zone,
    road_collection,
)
from cloud.http.problems import not_found
from cloud.inventory.store import InventoryStore
from cloud.live.ingester import IngesterMonitor
from cloud.plans.active import PlanInForce
from cloud.plans.forecast import outlook
from cloud.state.views import LampCondition
from protocols.clock import Clock, to_unix_ms


class InventoryService:
    """Lamps, areas and roads as they stand now."""

    def __init__(
        self,
        *,
        store: InventoryStore,
        states: LampStates,
        gateways: GatewayStates,
        counter: BoardCounter,
        plan: PlanInForce,
        clock: Clock,
        ingester: IngesterMonitor,
    ) -> None:
        self._store = store
        self._states = states
        self._gateways = gateways
        self._counter = counter
        self._plan = plan
        self._clock = clock
        self._ingester = ingester

    def lamps(self, wanted: LampFilter, limit: int, cursor: str | None) -> LampPage:
        """A page of lamps by id."""
        items, next_cursor = self._states.page(wanted, limit, cursor, to_unix_ms(self._clock.now()))
        return LampPage(items=items, next_cursor=next_cursor)

    def lamp(self, lamp_id: str) -> LampDetail:
        """One lamp with its values and what it will do next; 404 when there is none."""
        now = self._clock.now()
        found = self._states.one(lamp_id, to_unix_ms(now))
        town = self._plan.current()
        if found is None or found[0].lamp.gateway_id not in town.gateways:
            raise not_found("lamp", "lampId", lamp_id)
        standing, view = found
        return lamp_detail(view, standing.reading, outlook(town, standing.lamp, now, view.override))

    def gateway(self, gateway_id: str) -> GatewayDetail:
        """One gateway with its cabinets; 404 when there is none."""
        found = self._gateways.one(gateway_id)
        if found is None:
            raise not_found("gateway", "gatewayId", gateway_id)
        return found

    def gateways_page(self, area_id: str | None, limit: int, cursor: str | None) -> GatewayPage:
        """A page of gateways by id."""
        return self._gateways.page(area_id, limit, cursor)

    def areas(self) -> AreaList:
        """Every area with its counts."""
        board = self._counter.board()
        return AreaList(items=[area_view(area, board.tallies.get(area.id, Tally())) for area in board.areas])

    def roads(self) -> RoadCollection:
        """Every road as GeoJSON."""
        return road_collection(self._store.roads())

    def summary(self) -> Summary:
        """The whole place at a glance."""
        board, now = self._counter.board(), self._clock.now()
        counts = {
            condition: sum(one.conditions[condition] for one in board.tallies.values())
            for condition in LampCondition
        }
        return Summary(
            time=now,
            speed=self._clock.speed,
            time_zone=main_time_zone(board.gateways),
            total=sum(counts.values()),
            lit=counts[LampCondition.LIT],
            off=counts[LampCondition.OFF],
            fault=counts[LampCondition.FAULT],
            unknown=counts[LampCondition.UNKNOWN],
            gateways=GatewayCount(
                total=len(board.gateways), offline=len(board.gateways) - board.gateways_online
            ),
            total_power=round(sum(one.active_power_w for one in board.tallies.values()) / W_PER_KW, 3),
            expected_power=round(self._plan.current().expected_power_w(now) / W_PER_KW, 3),
            center=center_of(board.bounds),
            bounds=board.bounds,
            ingest_online=self._ingester.online,
            data_as_of=self._ingester.data_as_of,
        )

    def place(self) -> tuple[float, float, str] | None:
        """Latitude, longitude and time zone that stand for the whole place; None while it is empty."""
        board = self._counter.board()
        center = center_of(board.bounds)
        return None if center is None else (center[1], center[0], main_time_zone(board.gateways))

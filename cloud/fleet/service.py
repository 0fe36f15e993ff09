"""Everything installed and its present state: lamps, gateways, areas, roads and the summary."""

from cloud.fleet.gateways import GatewayQueries
from cloud.fleet.lamps import LampFilter, LampQueries
from cloud.fleet.summary import SummaryCache
from cloud.fleet.views import (
    W_PER_KW,
    AreaList,
    GatewayCount,
    GatewayDetail,
    LampDetail,
    LampPage,
    RoadCollection,
    Summary,
    area_views,
    center_of,
    lamp_detail,
    main_time_zone,
    road_collection,
)
from cloud.http.problems import not_found
from cloud.inventory.store import InventoryStore
from cloud.live.ingester import IngesterMonitor
from cloud.plans.active import PlanInForce
from cloud.plans.forecast import forecast
from cloud.state.views import LampCondition
from protocols.clock import Clock, to_unix_ms


class FleetService:
    """Reads what is installed and its present state; `gateways` has the gateways page by page."""

    def __init__(
        self,
        *,
        inventory: InventoryStore,
        lamps: LampQueries,
        gateways: GatewayQueries,
        summary: SummaryCache,
        plan: PlanInForce,
        clock: Clock,
        ingester: IngesterMonitor,
    ) -> None:
        self._inventory = inventory
        self._lamps = lamps
        self.gateways = gateways
        self._summary = summary
        self._plan = plan
        self._clock = clock
        self._ingester = ingester

    def lamps(self, wanted: LampFilter, limit: int, cursor: str | None) -> LampPage:
        """Return a page of lamps by id."""
        items, next_cursor = self._lamps.page(wanted, limit, cursor, to_unix_ms(self._clock.now()))
        return LampPage(items=items, next_cursor=next_cursor)

    def lamp(self, lamp_id: str) -> LampDetail:
        """Return one lamp with its values and its program; 404 when there is none."""
        now = self._clock.now()
        found, plan = self._lamps.one(lamp_id, to_unix_ms(now)), self._plan.current()
        if found is None or found.lamp.gateway_id not in plan.gateways:
            raise not_found("lamp", "lampId", lamp_id)
        view = found.view()
        return lamp_detail(view, found.reading, forecast(plan, found.lamp, now, view.override))

    def gateway(self, gateway_id: str) -> GatewayDetail:
        """Return one gateway with its cabinets; 404 when there is none."""
        found = self.gateways.one(gateway_id)
        if found is None:
            raise not_found("gateway", "gatewayId", gateway_id)
        return found

    def areas(self) -> AreaList:
        """Return every area with its counts."""
        counts = self._summary.counts()
        return AreaList(items=area_views(counts.areas, counts.tallies))

    def roads(self) -> RoadCollection:
        """Return every road as GeoJSON."""
        return road_collection(self._inventory.roads())

    def summary(self) -> Summary:
        """Return the counts of the whole place."""
        counts, now = self._summary.counts(), self._clock.now()
        tallies, total = counts.tallies.values(), len(counts.gateways)
        lamps = {
            condition: sum(tally.conditions[condition] for tally in tallies) for condition in LampCondition
        }
        return Summary(
            time=now,
            speed=self._clock.speed,
            time_zone=main_time_zone(counts.gateways),
            total=sum(lamps.values()),
            lit=lamps[LampCondition.LIT],
            off=lamps[LampCondition.OFF],
            fault=lamps[LampCondition.FAULT],
            unknown=lamps[LampCondition.UNKNOWN],
            gateways=GatewayCount(total=total, offline=total - counts.gateways_online),
            total_power=round(sum(tally.active_power_w for tally in tallies) / W_PER_KW, 3),
            expected_power=round(self._plan.current().expected_power_w(now) / W_PER_KW, 3),
            center=center_of(counts.bounds),
            bounds=counts.bounds,
            ingest_online=self._ingester.online,
            data_as_of=self._ingester.data_as_of,
        )

    def place(self) -> tuple[float, float, str] | None:
        """Return latitude, longitude and time zone of the middle of all lamps; None without lamps."""
        counts = self._summary.counts()
        center = center_of(counts.bounds)
        return None if center is None else (center[1], center[0], main_time_zone(counts.gateways))

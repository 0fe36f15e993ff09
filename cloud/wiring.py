"""Builds the services of a process: the one place that chooses concrete stores."""

import secrets
from typing import Final

from sqlalchemy.exc import DBAPIError

from cloud.access.service import AccessService
from cloud.access.store import AccessStore
from cloud.alarms.store import AlarmStore
from cloud.commands.downlink import MqttDownlink
from cloud.commands.service import CommandService
from cloud.commands.store import CommandStore
from cloud.config import CloudConfig
from cloud.database import UnsupportedDatabaseError, create_engine
from cloud.fleet.gateways import GatewayQueries
from cloud.fleet.lamps import LampQueries
from cloud.fleet.night import NightService
from cloud.fleet.service import FleetService
from cloud.fleet.summary import SummaryCache
from cloud.ingest.collector import Collector
from cloud.ingest.commit import Committer
from cloud.ingest.foreign import ForeignReporter
from cloud.ingest.inventory_cache import InventoryCache
from cloud.ingest.service import IngestComponents
from cloud.ingest.transfer import CarriedBundle, StoredBundle, store_bundle
from cloud.inventory.store import InventoryStore
from cloud.live.feed import LiveFeed
from cloud.mqtt import broker_address
from cloud.plans.active import PlanInForce
from cloud.plans.impact import Guard
from cloud.plans.service import PlanService
from cloud.plans.store import PlanStore, PlanUnreadableError
from cloud.services import Services
from cloud.telemetry.open import open_store
from cloud.telemetry.store import StoreUnavailable
from protocols.clock import Clock, to_unix_ms

UNSTORED: Final = (StoreUnavailable, PlanUnreadableError, UnsupportedDatabaseError, DBAPIError)
"""The errors of stores that can't be written now."""


def open_services(config: CloudConfig, clock: Clock) -> Services:
    """Open the stores that `config` names and build the services over them; the caller closes them."""
    engine = create_engine(config.database_url)
    telemetry = open_store(config.telemetry_url)
    feed = LiveFeed(broker_address(config), f"lentera-api-{secrets.token_hex(4)}")
    inventory, plan_store = InventoryStore(engine), PlanStore(engine)
    plan = PlanInForce(plan_store, inventory.load)
    fleet = FleetService(
        inventory=inventory,
        lamps=LampQueries(engine),
        gateways=GatewayQueries(engine, plan),
        summary=SummaryCache(engine),
        plan=plan,
        clock=clock,
        ingester=feed.ingester,
    )
    return Services(
        config=config,
        clock=clock,
        engine=engine,
        telemetry=telemetry,
        feed=feed,
        access=AccessService(AccessStore(engine), config.session_lifetime),
        inventory=inventory,
        fleet=fleet,
        commands=CommandService(CommandStore(engine), inventory, clock, MqttDownlink(feed.publish)),
        night=NightService(plan, fleet.place, inventory.sample, telemetry, clock),
        plans=PlanService(plan_store, plan, clock, Guard()),
        alarms=AlarmStore(engine),
    )


def ingest_parts(services: Services) -> IngestComponents:
    """Return what an ingester needs, over the same stores."""
    return IngestComponents(
        engine=services.engine,
        telemetry=services.telemetry,
        broker=broker_address(services.config),
        load_inventory=services.inventory.load,
        clock=services.clock,
    )


def store_bundle_records(config: CloudConfig, clock: Clock, content: bytes, source: str) -> StoredBundle:
    """Store the records of a transferred bundle, and return a reply with its gateway's plan.

    Raises:
        BundleError: the bundle is damaged, or not of a gateway whose key is known; nothing is stored.
        StoreUnavailable: or another of UNSTORED: a store can't be written now; the bundle can be sent again.
    """
    engine = create_engine(config.database_url)
    telemetry = open_store(config.telemetry_url)
    try:
        issued_ms = to_unix_ms(clock.now())  # before its plan is read: never newer than that plan is
        known = InventoryCache(InventoryStore(engine).load)
        committer = Committer(engine, telemetry, known, clock)
        collector = Collector(known.owner, ForeignReporter().foreign_message)
        committer.resume()
        plan = PlanInForce(PlanStore(engine), InventoryStore(engine).load).current()
        carried = CarriedBundle(content, source, config.gateway_keys, issued_ms)
        return store_bundle(carried, committer, collector, plan_of=plan.document_for)
    finally:
        telemetry.close()
        engine.dispose()

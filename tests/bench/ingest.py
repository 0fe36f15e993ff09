"""Lamp reports a second from broker to acknowledgement, against what the bare telemetry store can write."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from cloud.telemetry.open import open_store
from protocols.clock import to_unix_ms
from protocols.inventory.model import Area, Gateway, Inventory, Lamp
from protocols.lamp import LampReading, Reason
from protocols.mapping import (
    COMMANDED_METRICS,
    ack_from,
    device_birth,
    gateway_birth,
    position_metric,
    reading_metrics,
)
from protocols.sparkplug.edge_node import EdgeNodeSession
from protocols.sparkplug.messages import Outgoing
from protocols.sparkplug.payload import decode
from tests.bench.ingester import running_ingester
from tests.bench.results import Result
from tests.conftest import Broker, free_port, require_program

AREA = "32.04.37"
GATEWAYS = 20
LAMPS_PER_GATEWAY = 100
REPORTS_PER_LAMP = 20
WINDOW = 4000
REPORTS_WANTED_PER_S = 2270.0
"""All 22,700 lamps of Kabupaten Bandung reporting every ten seconds."""

EVENING = datetime(2026, 11, 24, 11, tzinfo=UTC)


async def ingest_rate() -> list[Result]:
    """One result for the whole way, one for the store alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store_rate = _store_alone(folder)
        rate = _whole_way(folder)
    return [
        Result(
            "reports per second through ingest, SQLite", rate, "1/s", store_rate, rate >= REPORTS_WANTED_PER_S
        ),
        Result(
            "ingest against a regency every 10 s",
            rate,
            "1/s",
            REPORTS_WANTED_PER_S,
            rate >= REPORTS_WANTED_PER_S,
        ),
    ]


def _store_alone(folder: Path) -> float:
    store = open_store(f"sqlite:///{folder / 'alone.db'}")
    readings = [_reading(lamp.id, n) for n in range(5) for lamp in _inventory().lamps]
    began = time.monotonic()
    for start in range(0, len(readings), 500):
        store.write(readings[start : start + 500])
    took = time.monotonic() - began
    store.close()
    return len(readings) / took


def _whole_way(folder: Path) -> float:
    broker = Broker(require_program("mosquitto"), free_port(), folder)
    broker.start()
    try:
        with running_ingester(folder, broker.port, _inventory()), _publisher(broker.port) as publisher:
            return publisher.run()
    finally:
        broker.kill()


class _Publisher:
    """Twenty gateways on one connection, with at most `WINDOW` reports waiting for their acknowledgement."""

    def __init__(self, client: paho.Client) -> None:
        self._client = client
        self._acknowledged = 0
        self._changed = threading.Condition()
        client.on_message = self._on_message

    def run(self) -> float:
        births, reports = self._prepare()
        self._client.subscribe(f"spBv1.0/{AREA}/NCMD/#", qos=1)
        self._send(births)
        began = time.monotonic()
        for start in range(0, len(reports), 100):
            self._wait_for(start - WINDOW)
            self._send(reports[start : start + 100])
        self._wait_for(len(reports))
        return len(reports) / (time.monotonic() - began)

    def _prepare(self) -> tuple[list[Outgoing], list[Outgoing]]:
        births, streams = [], []
        for gateway in _inventory().gateways:
            lamps = [lamp.id for lamp in _inventory().lamps if lamp.gateway_id == gateway.id]
            session, now_ms = (
                EdgeNodeSession(AREA, gateway.id, never_aliased=COMMANDED_METRICS),
                to_unix_ms(EVENING),
            )
            session.will(now_ms, 0)
            session.connected()
            devices = {lamp: device_birth(LampReading(lamp, EVENING)) for lamp in lamps}
            births += session.birth(gateway_birth(now_ms, now_ms), devices, now_ms)
            stream, position = [], 0
            for n in range(REPORTS_PER_LAMP):
                for lamp in lamps:
                    position += 1
                    reading = _reading(lamp, n)
                    metrics = [*reading_metrics(reading), position_metric(position, to_unix_ms(reading.time))]
                    stream += session.device_data(lamp, metrics, to_unix_ms(reading.time))
            streams.append(stream)
        return births, [message for together in zip(*streams, strict=True) for message in together]

    def _send(self, messages: list[Outgoing]) -> None:
        for message in messages:
            self._client.publish(message.topic, message.payload, message.qos, message.retain)

    def _wait_for(self, acknowledged: int) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._acknowledged >= acknowledged, timeout=60):
                raise TimeoutError(
                    f"{self._acknowledged} of {acknowledged} reports were acknowledged in 60 s"
                )

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        found = ack_from(decode(bytes(message.payload)).metrics)
        if found is not None:
            with self._changed:
                self._acknowledged += sum(last - first + 1 for first, last in found[1])
                self._changed.notify()


@contextmanager
def _publisher(broker_port: int) -> Iterator[_Publisher]:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.max_queued_messages_set(0)
    client.connect("127.0.0.1", broker_port)
    client.loop_start()
    try:
        yield _Publisher(client)
    finally:
        client.disconnect()
        client.loop_stop()


def _inventory() -> Inventory:
    gateways = [Gateway(f"g{n:02}", AREA, -7.03, 107.52, "Asia/Jakarta") for n in range(GATEWAYS)]
    lamps = [
        Lamp(f"{gateway.id}-{n:03}", AREA, gateway.id, 1 + n // 50, 1 + n % 50, -7.03, 107.52)
        for gateway in gateways
        for n in range(LAMPS_PER_GATEWAY)
    ]
    return Inventory([Area(AREA, "Soreang", -7.03, 107.52)], gateways, lamps)


def _reading(lamp_id: str, n: int) -> LampReading:
    return LampReading(
        device_id=lamp_id,
        time=EVENING + timedelta(seconds=10 * n),
        target_level_percent=100,
        feedback_level_percent=100,
        reason=Reason.PROGRAM,
        actual_level_percent=100.0,
        supply_voltage_v=228.4,
        supply_current_a=0.412,
        active_power_w=90.3,
        power_factor=0.96,
        temperature_c=41.0,
        active_energy_kwh=123.4 + n / 1000,
        operating_hours_h=1234.5,
        switch_on_counter=321,
        lamp_failure=False,
        control_gear_failure=False,
    )

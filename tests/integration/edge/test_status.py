"""The status page of a real gateway, over HTTP as a phone requests it, with and without a cloud."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from edge.config.settings import GatewayConfig, StatusConfig
from edge.process import run_process
from tests.conftest import PATIENCE_S, Broker, eventually, free_port
from tests.integration.edge.test_gateway import BAUD, config_for, lamp
from tests.support.edge_cloud import EVENING, GATEWAY, Cloud, clock_at
from tests.support.modbus_slave import SlaveLine, Unit, healthy_inputs

Status = dict[str, Any]


class Phone:
    """Requests the status page."""

    def __init__(self, port: int) -> None:
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S)

    async def get(self, path: str, method: str = "GET") -> httpx.Response:
        return await self._client.request(method, path)

    async def gateway(self, gateway_id: str = GATEWAY) -> Status | None:
        """The gateway's status; None while it is not served yet."""
        try:
            answer = await self.get(f"/status.json?gateway={gateway_id}")
        except httpx.TransportError:
            return None
        if answer.status_code != 200:
            return None
        (status,) = answer.json()["gateways"]
        assert isinstance(status, dict)
        return status

    async def lamp(self, number: int) -> Status:
        status = await self.gateway()
        assert status is not None
        (found,) = [each for each in status["devices"] if each["id"] == lamp(number)]
        assert isinstance(found, dict)
        return found


@asynccontextmanager
async def served(
    *configs: GatewayConfig, speed: float = 1.0, port: int | None = None
) -> AsyncIterator[Phone]:
    """These gateways in one process, with their page."""
    port = port or free_port()
    shown = [each.model_copy(update={"status": StatusConfig(port=port)}) for each in configs]
    phone = Phone(port)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(run_process(shown, clock_at(EVENING, speed), {}))
        yield phone
        running.cancel()
    await phone._client.aclose()


def without_broker(slave: SlaveLine, folder: Path) -> GatewayConfig:
    """A gateway whose broker is not there."""
    return config_for(slave, Broker("", free_port(), folder), folder)


async def test_the_crew_sees_lamps_and_their_level_without_any_cloud(tmp_path: Path) -> None:
    units = {1: Unit(), 2: Unit(silent=True)}
    with SlaveLine(units, BAUD) as slave:
        async with served(without_broker(slave, tmp_path)) as phone:

            async def settled() -> bool:
                status = await phone.gateway()
                return status is not None and status["silent"] == 1 and units[1].inputs == healthy_inputs(100)

            await eventually(settled, what="a lit lamp and a silent one")
            await eventually(
                lambda: _reads(phone, 1, "actualLightState", 100), what="the reading that shows it"
            )
            status = await phone.gateway()
            assert status is not None
            first, second = await phone.lamp(1), await phone.lamp(2)
        assert (first["state"], first["targetLevel"], first["reason"]) == ("responsive", 100, "program")
        assert first["override"] is None
        assert first["until"].startswith("2026-06-01T16:00:00")
        assert 0 <= first["ageSeconds"] < 10
        assert {"attribute": "supplyVoltage", "value": 230.1, "unit": "V"} in first["values"]
        assert (second["state"], second["lastAnswer"], second["values"]) == ("unresponsive", None, [])
        assert status["clock"]["trusted"] is True
        assert datetime.fromisoformat(status["clock"]["time"]) > EVENING
        assert status["plan"] == {
            "hash": "",
            "problem": "",
            "nextChange": first["until"],
            "nextLevel": 50,
        }
        assert status["uplink"]["state"] == "down"
        assert status["uplink"]["problem"]
        assert status["outbox"]["depth"] > 0
        (line,) = status["lines"]
        assert (line["up"], line["devices"], line["silent"]) == (True, 2, 1)
        assert line["counters"]["noAnswers"] >= 3


async def _reads(phone: Phone, number: int, attribute: str, value: float) -> bool:
    values = (await phone.lamp(number))["values"]
    return any(each["attribute"] == attribute and each["value"] == value for each in values)


async def test_an_override_and_the_uplink_are_shown(mosquitto: Broker, tmp_path: Path) -> None:
    cloud = Cloud(clock_at(EVENING))
    with SlaveLine({1: Unit(), 2: Unit()}, BAUD) as slave:
        async with served(config_for(slave, mosquitto, tmp_path)) as phone:
            await eventually(lambda: _uplink_is(phone, "waiting"), what="the gateway to wait for the cloud")
            async with cloud.connected(mosquitto.port):
                await eventually(lambda: _uplink_is(phone, "online"), what="the gateway to be online")
                await eventually(lambda: len(cloud.alive) == 2, what="births")
                await cloud.command(lamp(2), 40, "c1", expiration=timedelta(hours=2))
                await eventually(lambda: cloud.result("c1"), what="the result")
                forced, planned = await phone.lamp(2), await phone.lamp(1)
            assert (forced["targetLevel"], forced["reason"]) == (40, "override")
            assert planned["override"] is None
            assert (forced["override"]["level"], forced["override"]["active"]) == (40, True)
            assert forced["override"]["expiration"] == forced["until"]
            await eventually(lambda: _uplink_is(phone, "waiting"), what="the gateway to wait again")
            mosquitto.kill()
            await eventually(lambda: _uplink_is(phone, "down"), what="the gateway to miss its broker")


async def _uplink_is(phone: Phone, state: str) -> bool:
    status = await phone.gateway()
    return status is not None and status["uplink"]["state"] == state


async def test_a_vanished_port_is_shown(tmp_path: Path) -> None:
    with SlaveLine({1: Unit()}, BAUD) as slave:
        async with served(without_broker(slave, tmp_path)) as phone:
            await eventually(lambda: slave.reads_answered > 0, what="a poll")
            slave.close()

            async def shown() -> bool:
                status = await phone.gateway()
                return (
                    status is not None
                    and not status["lines"][0]["up"]
                    and bool(status["lines"][0]["problem"])
                )

            await eventually(shown, what="the line to be down")


async def test_several_gateways_share_one_page(tmp_path: Path) -> None:
    with SlaveLine({1: Unit()}, BAUD) as one, SlaveLine({1: Unit(), 2: Unit()}, BAUD) as two:
        first = without_broker(one, tmp_path)
        second = without_broker(two, tmp_path / "second")
        second = second.model_copy(update={"gateway": first.gateway.model_copy(update={"id": "soreang-02"})})
        async with served(first, second) as phone:
            await eventually(lambda: phone.gateway(GATEWAY), what="the first")
            await eventually(lambda: phone.gateway("soreang-02"), what="the second")
            short = (await phone.get("/status.json?devices=no")).json()
            missing = await phone.get("/status.json?gateway=soreang-03")
    assert [(each["id"], each["lamps"], each["devices"]) for each in short["gateways"]] == [
        (GATEWAY, 1, []),
        ("soreang-02", 2, []),
    ]
    assert missing.status_code == 404
    assert "soreang-03" in missing.json()["detail"]


async def test_prometheus_can_scrape_it(tmp_path: Path) -> None:
    units = {1: Unit(), 2: Unit(silent=True)}
    with SlaveLine(units, BAUD) as slave:
        async with served(without_broker(slave, tmp_path)) as phone:
            await eventually(lambda: _is_silent(phone, 1), what="a quarantine")
            text = (await phone.get("/metrics")).text
    for sample in (
        'lentera_gateway_devices_quarantined{gateway="soreang-01"} 1.0',
        'lentera_gateway_uplink{gateway="soreang-01",state="down"} 1.0',
        'lentera_gateway_uplink{gateway="soreang-01",state="online"} 0.0',
        'lentera_gateway_clock_trusted{gateway="soreang-01"} 1.0',
        'lentera_outbox_waiting{gateway="soreang-01"} ',
        f'lentera_line_requests_total{{gateway="soreang-01",port="{slave.path}"}} ',
        "process_resident_memory_bytes ",
    ):
        assert sample in text


async def _is_silent(phone: Phone, count: int) -> bool:
    status = await phone.gateway()
    return status is not None and bool(status["silent"] == count)


async def test_the_page_is_self_contained_and_read_only(tmp_path: Path) -> None:
    with SlaveLine({1: Unit()}, BAUD) as slave:
        async with served(without_broker(slave, tmp_path)) as phone:
            await eventually(phone.gateway, what="the page")
            page = await phone.get("/")
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert "://" not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            head = await phone.get("/", "HEAD")
            assert (head.status_code, head.content) == (200, b"")
            assert (await phone.get("/etc/passwd")).status_code == 404
            for method in ("POST", "PUT", "DELETE"):
                assert (await phone.get("/status.json", method)).status_code == 405


async def test_malformed_requests_are_rejected_or_dropped(tmp_path: Path) -> None:
    with SlaveLine({1: Unit()}, BAUD) as slave:
        port = free_port()
        async with served(without_broker(slave, tmp_path), port=port) as phone:
            await eventually(phone.gateway, what="the page")
            assert b"400 Bad Request" in await _said(port, b"hello\r\n\r\n")
            assert await _said(port, b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n") == b""
            _, silent = await asyncio.open_connection("127.0.0.1", port)
            assert await phone.gateway() is not None
            silent.close()


async def _said(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_an_address_that_is_taken_stops_no_lamp(tmp_path: Path) -> None:
    with socket.socket() as taken, SlaveLine({1: Unit()}, BAUD) as slave:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with served(without_broker(slave, tmp_path), port=taken.getsockname()[1]):
            await eventually(lambda: slave.units[1].holdings[0] == 100, what="the lamp's level")

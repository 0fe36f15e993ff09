"""The report of `--check`: sound settings are explained, clashing ones refused."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.config.line_settings import LineConfig
from edge.config.settings import ConfigError, GatewayConfig, load_all
from edge.storage.state import StateStore
from edge.storage.state_tables import save_one
from edge.tools.check import TURNAROUND_S, report_on, sweep_s
from edge.tools.clashes import reject_clashes
from protocols.lighting.calendar import Calendar
from protocols.lighting.plan import LightingPlan, encode_plan
from protocols.lighting.program import ASTRO_DEFAULT, LightingProgram
from protocols.modbus.builtin import load_builtin

EVENING = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)


def document(gateway: str = "g1", port: str = "/dev/ttyNone", **changes: Any) -> dict[str, Any]:
    devices = [{"id": f"{gateway}-{unit}", "unit": unit} for unit in (1, 2, 3, 7)]
    meter = {"id": f"{gateway}-meter", "unit": 100, "profile": "sdm120"}
    return {
        "gateway": {
            "id": gateway,
            "area": "32.04.37",
            "latitude": -7.03,
            "longitude": 107.52,
            "time_zone": "Asia/Jakarta",
        },
        "outbox": {"path": f"/nowhere-{gateway}/outbox.db"},
        "line": [{"port": port, "device": [*devices, meter]}],
    } | changes


def config(*arguments: str, **changes: Any) -> GatewayConfig:
    return GatewayConfig.model_validate(document(*arguments, **changes))


def test_a_report_says_lines_devices_times_and_where_data_goes() -> None:
    text = report_on(config(), EVENING).text()
    for expected in (
        "Gateway g1 in area 32.04.37",
        "9600 baud, 8N1",
        "4 devices of profile lentera-lamp",
        "at units 1–3, 7, 1 request each",
        "1 device of profile sdm120",
        "01 Jun 17:39:56  100 %",
        "01 Jun 23:00:00   50 %",
        "02 Jun 05:55:45    0 %",
        "broker at 127.0.0.1:1883",
        "/nowhere-g1/outbox.db",
        "http://127.0.0.1:8099",
    ):
        assert expected in text


def test_a_report_says_of_each_line_whether_it_uses_broadcasts() -> None:
    lamps = [{"id": f"b-{unit}", "unit": unit} for unit in (1, 2)]
    contacts = {"id": "c", "unit": 9, "profile": "sdm120", "contacts": {"unit": 10}}
    change = "a change of all its lamps is"
    reason = "c may obey it: profile sdm120 does not say ignores_broadcast = true"
    for devices, expected in (
        (lamps, f"{change} one broadcast"),
        ([*lamps, contacts], f"{change} written lamp by lamp: {reason}"),
    ):
        text = report_on(config(line=[{"port": "/dev/ttyNone", "device": devices}]), EVENING).text()
        assert f"\n  {expected}\n" in text
    without_a_group: list[list[Any]] = [[contacts], lamps[:1]]
    for devices in without_a_group:
        assert (
            "a change of all"
            not in report_on(config(line=[{"port": "/dev/ttyNone", "device": devices}]), EVENING).text()
        )


@pytest.mark.parametrize("runs", [True, False])
async def test_a_report_shows_tonight_by_the_stored_or_transferred_plan(tmp_path: Path, runs: bool) -> None:
    follows = config(outbox={"path": str(tmp_path / "g1.outbox.db")})
    quiet = LightingProgram("quiet", "Quiet", initial_level_percent=35)
    calendars = (Calendar("usual", "", (), "astro-default"), Calendar("quiet", "", (), "quiet"))
    plan = LightingPlan((ASTRO_DEFAULT, quiet), calendars, {"g1-3": "quiet"}, "usual")
    memory = StateStore(follows.outbox.state_path)
    await memory.open()
    await memory.save_plan(b"not followed any more")
    await memory.close()
    with closing(sqlite3.connect(follows.outbox.state_path)) as database, database:
        save_one(database, "offered", "document", encode_plan(plan))
    memory = StateStore(follows.outbox.state_path)
    if runs:
        await memory.open()
    text = report_on(follows, EVENING).text()
    assert f"Tonight, by the plan “{ASTRO_DEFAULT.name}”, 3 of 4" in text
    assert "Tonight, by the plan “Quiet”, 1 of 4\n  01 Jun 17:39:56   35 %" in text
    if runs:
        await memory.close()


def test_a_sweep_is_what_the_wire_takes() -> None:
    line = LineConfig.model_validate({"port": "/dev/x", "device": [{"id": "a", "unit": 1}]})
    profiles = {"lentera-lamp": load_builtin("lentera-lamp")}
    characters = 8 + 5 + 2 * 16
    assert sweep_s(line, profiles) == pytest.approx((characters + 7) * 11 / 9600 + TURNAROUND_S)
    over_tcp = line.model_copy(update={"port": "tcp://10.0.0.1:502"})
    assert sweep_s(over_tcp, profiles) == pytest.approx(TURNAROUND_S)


def test_what_will_not_work_well_is_pointed_out() -> None:
    slow = document(gateway="g1")
    slow["gateway"] = {**slow["gateway"], "poll_interval_s": 0.1}
    warnings = report_on(GatewayConfig.model_validate(slow), EVENING).warnings
    assert any("/dev/ttyNone" in each and "no such device" in each for each in warnings)
    assert any("longer than poll_interval_s 0.1" in each for each in warnings)


def test_a_sound_gateway_has_nothing_to_look_at(tmp_path: Path) -> None:
    sound = config("g1", "tcp://127.0.0.1:502", outbox={"path": str(tmp_path / "new" / "outbox.db")})
    assert report_on(sound, EVENING).warnings == ()


def with_cabinet(poll_interval_s: float = 60, **settings: object) -> GatewayConfig:
    parts = document()
    cabinet = {"id": "g1-cabinet", "unit": 201, "profile": "sdm630", "contacts": {"unit": 202}} | settings
    (line,) = parts["line"]
    line["device"].append(cabinet)
    parts["gateway"] = {**parts["gateway"], "poll_interval_s": poll_interval_s}
    return GatewayConfig.model_validate(parts)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "contactor of g1-cabinet is only read"),
        ({"contactor": {"follows": "always"}}, "contactor of g1-cabinet stays closed, except for commands"),
        ({"contactor": {"follows": "lit"}}, "contactor of g1-cabinet is closed while the plan has light"),
        ({"contactor": {"follows": "lit"}}, "lamps with controllers behind it (4 on this gateway) have no"),
        ({"photocell": True}, "photocell of g1-cabinet decides while the clock is not trusted, once its"),
        ({"photocell": True, "poll_interval_s": 900}, "photocell of g1-cabinet is read every 900 s"),
    ],
)
def test_what_a_cabinet_does_is_explained(settings: dict[str, object], expected: str) -> None:
    interval_s = settings.pop("poll_interval_s", 60)
    assert isinstance(interval_s, int)
    assert expected in report_on(with_cabinet(interval_s, **settings), EVENING).text()


def test_a_sun_that_does_not_set_is_said() -> None:
    polar = document()
    polar["gateway"] = {**polar["gateway"], "latitude": 78.2, "longitude": 15.6}
    assert "the sun does not set" in report_on(GatewayConfig.model_validate(polar), EVENING).text()


def test_gateways_of_one_process_must_not_share_anything() -> None:
    one, two = Path("one.toml"), Path("two.toml")
    reject_clashes({one: config("g1", "/dev/a"), two: config("g2", "/dev/b")})
    with pytest.raises(ConfigError) as caught:
        reject_clashes({one: config("g1", "/dev/a"), two: config("g1", "/dev/a", status={"port": 1})})
    assert caught.value.problems == (
        "two.toml: gateway.id 'g1' is also used by one.toml, expected another",
        "two.toml: outbox.path '/nowhere-g1/outbox.db' is also used by one.toml, expected another",
        "two.toml: line.port '/dev/a' is also used by one.toml, expected another",
    )


def test_gateways_of_one_process_must_not_share_a_server() -> None:
    one, two = Path("one.toml"), Path("two.toml")
    clashing = {one: config("g1", "tcp://pole:502"), two: config("g2", "rtu+tcp://pole:502")}
    with pytest.raises(ConfigError, match=r"two.toml: line.port 'rtu\+tcp://pole:502' is also used by one"):
        reject_clashes(clashing)


def test_one_process_serves_one_status_page() -> None:
    clashing = {
        Path("one.toml"): config("g1", "/dev/a", status={"port": 8001}),
        Path("two.toml"): config("g2", "/dev/b", status={"port": 8002}),
    }
    with pytest.raises(ConfigError, match=r"two.toml: status is 127.0.0.1:8002, expected 127.0.0.1:8001"):
        reject_clashes(clashing)


def test_every_file_is_judged_before_any_is_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text("[gateway]\n")
    with pytest.raises(ConfigError) as caught:
        load_all(sorted(tmp_path.glob("*.toml")))
    assert {problem.partition(": ")[0] for problem in caught.value.problems} == {
        str(tmp_path / "a.toml"),
        str(tmp_path / "b.toml"),
    }


def test_fields_to_fill_in_and_a_missing_clock_file_are_warnings(tmp_path: Path) -> None:
    file = tmp_path / "synchronized"
    mqtt = {"host": "FILL-IN", "username": "g1", "password": "FILL-IN", "tls": True}
    unfinished = config(mqtt=mqtt, clock={"synchronized_file": str(file)})
    warnings = "\n".join(report_on(unfinished, EVENING).warnings)
    assert "mqtt.host is still 'FILL-IN'" in warnings
    assert "mqtt.password is still 'FILL-IN'" in warnings
    assert "username" not in warnings
    assert f"clock.synchronized_file {file}: does not exist now" in warnings
    file.touch()
    assert str(file) not in "\n".join(report_on(unfinished, EVENING).warnings)

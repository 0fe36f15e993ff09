"""The gateway's own page on a phone: what the crew reads at the pole, in both languages."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import accepts_connections, free_port, wait_until
from tests.support.modbus_slave import SlaveLine, Unit, healthy_inputs

pytestmark = pytest.mark.e2e

SETTINGS = """
[gateway]
id = "soreang-01"
area = "32.04.37"
latitude = -7.03
longitude = 107.52
time_zone = "Asia/Jakarta"
poll_interval_s = 1
[mqtt]
port = {broker}
[outbox]
path = "{folder}/outbox.db"
[status]
port = {port}
[[line]]
port = "{line}"
baud = 38400
"""
DEVICE = "[[line.device]]\nid = '{id}'\nunit = {unit}\n"
NASTY = '<img src=x onerror="document.title=1">'
"""A pole whose name holds markup that a page must not run."""
IDS = {1: "SOR-00001", 2: "SOR-00002", 3: "SOR-00003", 4: NASTY}
BROKEN = [*healthy_inputs()[:2], 2, *healthy_inputs()[3:]]


@pytest.fixture(scope="module")
def status_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway without a broker: two healthy lamps, one whose driver is broken, one that is silent."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    port = free_port()
    units = {1: Unit(), 2: Unit(inputs=BROKEN, ignores_writes=True), 3: Unit(silent=True), 4: Unit()}
    with SlaveLine(units, 38400) as slave:
        settings = SETTINGS.format(broker=free_port(), folder=folder, port=port, line=slave.path)
        path = folder / "gateway.toml"
        path.write_text(settings + "".join(DEVICE.format(id=IDS[unit], unit=unit) for unit in units))
        command = [sys.executable, "-m", "lentera", "edge", "--config", str(path)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: accepts_connections(port), what="the status page")
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait()


@pytest.fixture
def phone(browser: Browser, status_url: str) -> Iterator[Page]:
    """A phone that opens the page; fails when the page reports an error."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(status_url)
    yield page
    context.close()
    assert errors == []


def test_the_crew_reads_what_is_wrong_in_their_language(phone: Page) -> None:
    expect(phone.get_by_role("heading", name="soreang-01")).to_be_visible()
    expect(phone.get_by_text("Driver rusak").first).to_be_visible()
    expect(phone.get_by_text("Tidak menjawab").first).to_be_visible()
    expect(phone.get_by_text("Terputus")).to_be_visible()
    expect(phone.get_by_text("3 dari 4 menjawab")).to_be_visible()
    phone.get_by_role("button", name="English").click()
    expect(phone.get_by_text("Driver is broken").first).to_be_visible()
    expect(phone.get_by_text("3 of 4 answering")).to_be_visible()
    phone.reload()
    expect(phone.get_by_text("Does not answer").first).to_be_visible()


def test_a_pole_is_found_by_its_number_and_opened(phone: Page) -> None:
    phone.get_by_role("searchbox").fill("00001")
    expect(phone.locator("#list details")).to_have_count(1)
    lamp = phone.locator("#list details", has_text="SOR-00001")
    lamp.locator("summary").click()
    expect(lamp.get_by_text("230,1 V").or_(lamp.get_by_text("230 V")).first).to_be_visible()
    age = lamp.locator("summary span").last
    expect(age).to_have_text(re.compile(r"\d+ dtk lalu"))
    expect(lamp).to_have_attribute("open", "")
    expect(phone.get_by_role("searchbox")).to_have_value("00001")


def test_faults_can_be_listed_alone_and_the_page_fits_the_phone(phone: Page) -> None:
    button = phone.get_by_role("button", name="Gangguan 2")
    button.click()
    expect(phone.locator("#list details")).to_have_count(2)
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    touched = "[...document.querySelectorAll('button:not([hidden]), input, summary')]"
    heights = phone.evaluate(f"{touched}.map(each => each.getBoundingClientRect().height)")
    assert min(heights) >= 44


def test_names_are_shown_and_never_obeyed(phone: Page) -> None:
    expect(phone.locator("#list summary b", has_text=NASTY)).to_have_text(NASTY)
    assert phone.locator("img").count() == 0
    expect(phone).to_have_title("Lentera")


def test_day_and_night_can_be_chosen_and_stay(phone: Page) -> None:
    def brightness() -> int:
        color = phone.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in re.findall(r"\d+", color)[:3])

    assert brightness() > 700
    phone.get_by_role("button", name="Malam").click()
    expect(phone.get_by_role("button", name="Siang")).to_be_visible()
    assert brightness() < 100
    phone.reload()
    expect(phone.get_by_role("button", name="Siang")).to_be_visible()
    assert brightness() < 100


def test_plan_line_and_backlog_are_shown_without_a_cloud(phone: Page) -> None:
    facts = phone.locator(".facts")
    expect(facts.get_by_text("Bawaan")).to_be_visible()
    expect(facts.get_by_text(re.compile(r"\d+ catatan"))).to_be_visible()
    expect(phone.locator(".beads .bulb")).to_have_count(len(IDS))
    expect(phone.locator(".beads .fault")).to_have_count(2)


def test_it_fits_a_desk_as_well(browser: Browser, status_url: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    page = context.new_page()
    page.goto(status_url)
    lamps, facts = page.locator("#list"), page.locator(".facts")
    expect(lamps).to_be_visible()
    beside, below = lamps.bounding_box(), facts.bounding_box()
    assert beside is not None
    assert below is not None
    assert beside["x"] >= below["x"] + below["width"]
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    context.close()

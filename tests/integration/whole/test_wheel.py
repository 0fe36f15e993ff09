"""The wheel alone, in a bare virtual environment: a lit map with nothing from the checkout."""

import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import require_program, wait_until
from tests.support.whole_town import Town, start_town

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[3]
PARTS = ("cloud", "edge", "firmware_sim", "protocols", "runtime")
EXTRAS = "cloud,demo,edge,sim"
LAMPS = 50
LIT_WITHIN_S = 300
"""Patience: at the demo's own speed dusk comes a minute after the start, and two polls follow."""


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The wheel as `make wheel` builds it."""
    subprocess.run([require_program("make"), "-C", str(ROOT), "wheel"], check=True)
    (built,) = (ROOT / "dist").glob("lentera-*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and what it declares that it needs.

    Dependencies are installed, most of them out of pip's cache, instead of being lent by the environment
    of the tests: that one has the checkout on its path, and could not show that a dependency is undeclared.
    """
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder / "venv", with_pip=True)
    locked = re.findall(r"^[\w.-]+==[^\s;]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    (folder / "constraints.txt").write_text("\n".join(locked))
    pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, "-c", str(folder / "constraints.txt"), f"{wheel}[{EXTRAS}]"], check=True)
    return folder / "venv"


@pytest.fixture(scope="module")
def town(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A demo of the installed `lentera`."""
    require_program("mosquitto")
    folder = tmp_path_factory.mktemp("town")
    program = [str(environment / "bin/lentera")]
    with start_town(folder, "--lamps", str(LAMPS), "--faults", "0", program=program) as town:
        yield town


def test_the_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "lentera", *PARTS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    expected = {line for line in tracked.stdout.splitlines() if (ROOT / line).is_file()}
    contained = {name.removeprefix("lentera/_packages/") for name in zipfile.ZipFile(wheel).namelist()}
    assert "edge/status/page.html" in expected
    assert expected - contained == set()


def test_no_name_but_lentera_is_taken_in_site_packages(wheel: Path, environment: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"lentera"}
    source = f"import lentera, {', '.join(PARTS)}; print(*(m.__file__ for m in ({', '.join(PARTS)})))"
    found = subprocess.run(
        [environment / "bin/python", "-c", source], cwd="/", capture_output=True, text=True, check=True
    ).stdout.split()
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    below = environment / "lib" / version / "site-packages/lentera/_packages"
    assert found == [str(below / part / "__init__.py") for part in PARTS]


def test_the_map_is_served_with_all_its_files(town: Town) -> None:
    with httpx.Client(base_url=str(town.api.base_url)) as browser:
        page = browser.get("/").raise_for_status().text
        files = re.findall(r'(?:src|href)="(/[^"]+)"', page)
        assert any(name.endswith(".js") for name in files)
        assert any(name.endswith(".css") for name in files)
        for name in [*files, "/api-docs/swagger-ui.css"]:
            answer = browser.get(name).raise_for_status()
            assert "text/html" not in answer.headers["content-type"], name
            assert answer.content


def test_every_lamp_is_lit_in_the_street_and_on_the_map(town: Town) -> None:
    def all_are_lit() -> bool:
        lit: int = town.api.get("/api/v1/summary").raise_for_status().json()["lit"]
        return lit == LAMPS

    assert len(town.lamps()) == LAMPS
    wait_until(all_are_lit, LIT_WITHIN_S, f"{LAMPS} lit lamps on the map")
    truth = town.truth()
    assert truth.keys() == town.lamps().keys()
    assert [name for name, lamp in truth.items() if not lamp["lit"]] == []

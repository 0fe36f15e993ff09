"""Bad input at the command line: one clear message, exit status 2, and nothing changed."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from protocols.inventory.model import decode, encode
from tests.support.api import small_town


def lentera(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "lentera", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
        check=False,
    )


GEOJSON_POINT = (
    '{{"type":"FeatureCollection","features":[{{"type":"Feature","id":"a","properties":{{}},'
    '"geometry":{{"type":"Point","coordinates":[{longitude},{latitude}]}}}}]}}'
)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "broken.geojson",
            GEOJSON_POINT.format(longitude=107.5, latitude=-97.0),
            ("broken.geojson", "-97", "90"),
        ),
        (
            "columns.csv",
            "id,latitude,longitude,colour\nA,-7.0,107.5,red\n",
            ("columns.csv", "colour", "latitude"),
        ),
        ("twice.csv", "id,latitude,longitude\nA,-7.0,107.5\nA,-7.1,107.5\n", ("twice.csv", "3", "A")),
        ("words.csv", "id,latitude,longitude\nA,south,107.5\n", ("words.csv", "2", "latitude", "south")),
        ("empty.csv", "id,latitude,longitude\n", ("empty.csv",)),
    ],
)
def test_an_inventory_with_a_mistake_is_refused(
    tmp_path: Path, name: str, content: str, said: tuple[str, ...]
) -> None:
    """The message names the file, the place in it, the value and what was expected."""
    path = tmp_path / name
    path.write_text(content)
    run = lentera("demo", "--inventory", str(path), "--port", "0", "--folder", str(tmp_path / "demo"))
    assert run.returncode == 2
    assert "Traceback" not in run.stderr
    for word in said:
        assert word in run.stderr
    assert not (tmp_path / "demo").exists()


GATEWAY = """
[gateway]
id = "g"
area = "a"
latitude = -7.03
longitude = 107.52
time_zone = "Asia/Jakarta"
[mqtt]
host = "127.0.0.1"
port = {port}
[outbox]
path = "g.db"
[[line]]
port = "/dev/null"
baud = {baud}
[[line.device]]
id = "L1"
unit = 1
profile = "{profile}"
"""


@pytest.mark.parametrize(
    ("port", "baud", "profile", "said"),
    [
        (188300, 9600, "lentera-lamp", ("port", "188300")),
        (1883, 9601, "lentera-lamp", ("baud", "9601", "9600")),
        (1883, 9600, "no-such-lamp", ("profile", "no-such-lamp", "lentera-lamp")),
    ],
)
def test_a_gateway_setting_that_cannot_be_is_refused(
    tmp_path: Path, port: int, baud: int, profile: str, said: tuple[str, ...]
) -> None:
    """The message names the file, the field, the value and what was expected."""
    path = tmp_path / "gateway.toml"
    path.write_text(GATEWAY.format(port=port, baud=baud, profile=profile))
    run = lentera("edge", "--config", str(path))
    assert run.returncode == 2
    assert "gateway.toml" in run.stderr
    assert "Traceback" not in run.stderr
    for word in said:
        assert word in run.stderr


def test_sun_times_are_printed_as_json() -> None:
    """Rise and set in UTC; None where the sun does not cross the altitude."""
    run = lentera(
        "sun", "--at", "-6.2088,106.8456", "--zone", "Asia/Jakarta", "--date", "2026-01-01", "--json"
    )
    assert run.returncode == 0
    assert run.stdout.startswith('{"rise": "2025-12-31T22:41')
    polar = lentera(
        "sun", "--at", "78.22,15.63", "--zone", "Arctic/Longyearbyen", "--date", "2026-06-21", "--json"
    )
    assert polar.stdout == '{"rise": null, "set": null}\n'


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sun", "--at", "somewhere"), "LATITUDE,LONGITUDE"),
        (("sun", "--at", "-6,106", "--zone", "Mars/Base"), "Mars/Base"),
        (("demo", "--inventory", "nowhere.geojson"), "nowhere.geojson"),
        (("demo", "--start", "tonight"), "tonight"),
        (("edge", "--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_an_option_that_cannot_be_is_refused(arguments: tuple[str, ...], said: str) -> None:
    """The message names the option's value."""
    run = lentera(*arguments)
    assert run.returncode == 2
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_a_list_of_lamps_becomes_an_inventory(tmp_path: Path) -> None:
    """Real lamps are put on gateways; what is there is not written over."""
    lamps, inventory = tmp_path / "lamps.csv", tmp_path / "inventory.json"
    lamps.write_text("id,latitude,longitude\nA,-7.0300,107.5200\nB,-7.0303,107.5200\n")
    run = lentera("admin", "make-inventory", str(lamps), str(inventory))
    assert run.returncode == 0, run.stderr
    made = decode(inventory.read_bytes(), inventory.name)
    assert [lamp.id for lamp in made.lamps] == ["A", "B"]
    assert len(made.gateways) == 1
    again = lentera("admin", "make-inventory", str(lamps), str(inventory))
    assert again.returncode == 2
    assert "already exists, expected the name of a new file" in again.stderr


def test_an_inventory_that_would_remove_many_lamps_needs_a_yes(tmp_path: Path) -> None:
    """The wrong document must not empty a city."""
    env = {**os.environ, "LENTERA_DATABASE_URL": f"sqlite:///{tmp_path}/cloud.db"}
    town = small_town()
    for name, lamps in (("whole", town.lamps), ("part", town.lamps[:3]), ("none", [])):
        (tmp_path / f"{name}.json").write_bytes(encode(replace(town, lamps=lamps)))
    assert lentera("admin", "migrate", env=env).returncode == 0
    assert lentera("admin", "import-inventory", str(tmp_path / "whole.json"), env=env).returncode == 0
    refused = lentera("admin", "import-inventory", str(tmp_path / "part.json"), env=env)
    assert refused.returncode == 2
    assert "2 of 5 lamps would be removed, expected --yes" in refused.stderr
    empty = lentera("admin", "import-inventory", str(tmp_path / "none.json"), "--yes", env=env)
    assert (empty.returncode, "expected at least one" in empty.stderr) == (2, True)
    meant = lentera("admin", "import-inventory", str(tmp_path / "part.json"), "--yes", env=env)
    assert (meant.returncode, meant.stdout) == (0, "3 lamps on 2 gateways\n")


def test_a_user_comes_and_goes(tmp_path: Path) -> None:
    """Made, listed, given a token that is revoked, and removed."""
    env = os.environ | {"LENTERA_DATABASE_URL": f"sqlite:///{tmp_path / 'cloud.db'}"}

    def admin(*arguments: str) -> subprocess.CompletedProcess[str]:
        return lentera("admin", *arguments, env=env)

    assert admin("migrate").returncode == 0
    assert admin("create-user", "ana", "--role", "operator", "--password", "terang bulan 17").returncode == 0
    assert len(admin("create-token", "ana", "--days", "3").stdout.strip()) > 40
    assert admin("list-users").stdout == "ana\toperator\tpassword\t1 tokens\n"
    assert admin("revoke-token", "ana").stdout == "1 tokens ended\n"
    assert admin("set-password", "ana", "--password", "purnama di atas").returncode == 0
    assert admin("remove-user", "ana").returncode == 0
    again = admin("remove-user", "ana")
    assert (again.returncode, "no user 'ana'" in again.stderr) == (2, True)

"""`lentera admin gateway-configs`: what it writes passes the check, and what is there is not lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge.config.settings import load
from lentera.errors import UsageError
from lentera.gateway_config import Defaults, write_gateway_files
from protocols.inventory.model import Cabinet, Gateway, Inventory, encode
from tests.integration.whole.test_command_line import lentera
from tests.support.api import small_town


def town() -> Inventory:
    """A town with a cabinet, with and without contacts, and a gateway that has nothing yet."""
    whole = small_town()
    first = whole.gateways[0]
    cabinets = [
        Cabinet("cabinet-1", first.id, 1, 201, 202),
        Cabinet("cabinet-2", first.id, 2, 201, profile="sdm120"),
    ]
    nothing_yet = Gateway("new-01", first.area_id, first.latitude, first.longitude, first.time_zone)
    return replace(whole, cabinets=cabinets, gateways=[*whole.gateways, nothing_yet])


def test_each_file_passes_the_check_which_says_what_is_left_to_fill_in(tmp_path: Path) -> None:
    inventory, out = tmp_path / "inventory.json", tmp_path / "gateways"
    inventory.write_bytes(encode(town()))
    arguments = ("admin", "gateway-configs", "--inventory", str(inventory), "--out", str(out))
    run = lentera(*arguments)
    assert run.returncode == 0, run.stderr
    written = sorted(out.iterdir())
    assert sorted(run.stdout.split("\n")[:-2]) == [str(path) for path in written]
    assert run.stderr == "new-01: no lamp and no cabinet, nothing written\n"
    for path in written:
        check = lentera("edge", "--config", str(path), "--check")
        assert check.returncode == 0, check.stderr
        for field in ("host", "password"):
            assert f"mqtt.{field} is still 'FILL-IN', expected the {field} of the broker" in check.stdout
    again = lentera(*arguments)
    assert (again.returncode, again.stdout) == (2, "")
    assert str(written[0]) in again.stderr
    assert lentera(*arguments, "--overwrite", "--broker", "broker.example").returncode == 0
    assert load(written[0]).mqtt.host == "broker.example"


def test_the_files_hold_every_device_of_the_inventory_and_are_private(tmp_path: Path) -> None:
    place = town()
    written = write_gateway_files(place, tmp_path, Defaults(), overwrite=False)
    configs = [load(path) for path in written.paths]
    devices = {device.id: device for each in configs for line in each.lines for device in line.devices}
    assert devices.keys() == {each.id for each in place.lamps} | {each.id for each in place.cabinets}
    assert devices["cabinet-1"].contacts is not None
    assert (devices["cabinet-1"].contacts.unit, devices["cabinet-2"].profile) == (202, "sdm120")
    assert all(device.unit == lamp.unit for lamp in place.lamps for device in [devices[lamp.id]])
    assert {path.stat().st_mode & 0o007 for path in written.paths} == {0}


def test_each_choice_for_a_cabinet_is_offered_once(tmp_path: Path) -> None:
    """A photocell and a contactor only where there are contacts, and contacts only where there are none."""
    place = town()
    text = {
        cabinets[0].profile: write_gateway_files(
            replace(place, cabinets=cabinets), tmp_path / cabinets[0].id, Defaults(), overwrite=False
        )
        .paths[0]
        .read_text()
        for cabinets in ([place.cabinets[0]], [place.cabinets[1]])
    }
    offered = {
        profile: [content.count(choice) for choice in ("# photocell =", "# contactor =", "# contacts =")]
        for profile, content in text.items()
    }
    assert offered == {"sdm630": [1, 1, 0], "sdm120": [0, 0, 1]}


def test_the_clouds_own_inventory_is_taken_without_a_file(tmp_path: Path) -> None:
    env = {"LENTERA_DATABASE_URL": f"sqlite:///{tmp_path}/lentera.db"}
    inventory = tmp_path / "inventory.json"
    inventory.write_bytes(encode(town()))
    assert lentera("admin", "migrate", env=env).returncode == 0
    assert lentera("admin", "import-inventory", str(inventory), env=env).returncode == 0
    run = lentera("admin", "gateway-configs", "--out", str(tmp_path / "gateways"), env=env)
    assert run.returncode == 0, run.stderr
    assert len(list((tmp_path / "gateways").iterdir())) == len(town().gateways) - 1


def test_one_gateway_that_would_be_refused_leaves_nothing_behind(tmp_path: Path) -> None:
    place = town()
    lamps = [replace(place.lamps[-1], profile="no-such-lamp"), *place.lamps[:-1]]
    with pytest.raises(UsageError, match=r"\.toml: line\[\d\]\.device\[\d+\]\.profile is 'no-such-lamp'"):
        write_gateway_files(replace(place, lamps=lamps), tmp_path, Defaults(), overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_names_with_strange_characters_stay_what_they_are(tmp_path: Path) -> None:
    place = town()
    strange = 'pole "7" \\ \u00a0💡'
    lamps = [replace(place.lamps[0], id=strange), *place.lamps[1:]]
    written = write_gateway_files(replace(place, lamps=lamps), tmp_path, Defaults(), overwrite=False)
    ids = {device.id for path in written.paths for line in load(path).lines for device in line.devices}
    assert strange in ids

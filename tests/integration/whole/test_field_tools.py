"""The crew's commands as a crew types them."""

from pathlib import Path

from tests.integration.whole.test_command_line import GATEWAY, lentera


def write_gateway(folder: Path, name: str, baud: int = 9600) -> Path:
    path = folder / name
    path.write_text(GATEWAY.format(port=1883, baud=baud, profile="lentera-lamp"))
    return path


def test_check_explains_sound_settings_and_touches_nothing(tmp_path: Path) -> None:
    path = write_gateway(tmp_path, "gateway.toml")
    run = lentera("edge", "--config", str(path), "--check")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"{path}: sound\nGateway g in area a\n")
    assert "one sweep takes" in run.stdout
    assert list(tmp_path.iterdir()) == [path]


def test_check_refuses_what_running_would_refuse(tmp_path: Path) -> None:
    broken = lentera("edge", "--config", str(write_gateway(tmp_path, "a.toml", baud=9601)), "--check")
    assert (broken.returncode, broken.stdout) == (2, "")
    assert "line[1].baud is 9601" in broken.stderr
    write_gateway(tmp_path, "a.toml")
    write_gateway(tmp_path, "b.toml")
    for arguments in (["--check"], []):
        clash = lentera("edge", "--config", str(tmp_path), *arguments)
        assert (clash.returncode, clash.stdout) == (2, "")
        assert "b.toml: gateway.id 'g' is also used by" in clash.stderr

"""A gateway's settings: what is right is read, what is wrong is named."""

from pathlib import Path

import pytest

from edge.config.profiles import load_profile
from edge.config.settings import ConfigError, load
from edge.devices.device import device_from_config

GOOD = """
[gateway]
id = "soreang-01"
area = "32.04.37"
latitude = -7.03
longitude = 107.52
time_zone = "Asia/Jakarta"
[mqtt]
port = 1884
[outbox]
path = "var/soreang-01.outbox.db"
[[line]]
port = "/dev/ttyUSB0"
[[line.device]]
id = "SOR-00001"
unit = 1
[[line.device]]
id = "SOR-00002"
unit = 2
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text)
    return path


def test_reads_a_file_and_fills_in_what_it_leaves_out(tmp_path: Path) -> None:
    config = load(written(tmp_path, GOOD))
    assert config.gateway.id == "soreang-01"
    assert config.gateway.poll_interval_s == 60
    assert (config.mqtt.host, config.mqtt.port, config.mqtt.primary_host) == ("127.0.0.1", 1884, "lentera")
    (line,) = config.lines
    assert (line.baud, line.parity, line.stop_bits) == (9600, "N", 1)
    assert [(each.id, each.unit, each.profile) for each in line.devices] == [
        ("SOR-00001", 1, "lentera-lamp"),
        ("SOR-00002", 2, "lentera-lamp"),
    ]
    assert config.outbox.state_path == Path("var/soreang-01.state.db")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("latitude = -7.03", "latitude = -107.03", "gateway.latitude is -107.03: Input should be greater"),
        (
            '"Asia/Jakarta"',
            '"Asia/Bandung"',
            "gateway.time_zone is 'Asia/Bandung': expected an IANA time zone",
        ),
        ("port = 1884", "port = 0", "mqtt.port is 0: Input should be greater than or equal to 1"),
        ('"/dev/ttyUSB0"', '"ttyUSB0"', "line[1].port is 'ttyUSB0': expected a device path such as"),
        (
            '"/dev/ttyUSB0"',
            '"tcp://here:99999"',
            "line[1].port is 'tcp://here:99999': expected a device path",
        ),
        ('"/dev/ttyUSB0"', '"/dev/ttyUSB0"\nbaud = 9601', "line[1].baud is 9601: Input should be 1200, 2400"),
        ('"/dev/ttyUSB0"', '"/dev/ttyUSB0"\nparity = "X"', "line[1].parity is 'X': Input should be 'N', 'E'"),
        ("unit = 2", "unit = 1", "unit 1 occurs 2 times on line /dev/ttyUSB0, expected one device each"),
        (
            "unit = 2",
            "unit = 248",
            "line[1].device[2].unit is 248: Input should be less than or equal to 247",
        ),
        (
            "unit = 2",
            'unit = 2\nprofile = "x"',
            "line[1].device[2].profile is 'x': expected a path that ends in .toml, or one of",
        ),
        ('id = "SOR-00002"', 'id = "SOR-00001"', "device.id 'SOR-00001' occurs 2 times, expected once"),
        (
            'id = "SOR-00002"',
            'id = "SOR/2"',
            "line[1].device[2].id is 'SOR/2': expected an identifier",
        ),
        ('id = "SOR-00002"\n', "", "line[1].device[2].id is missing, expected a value"),
        ("[mqtt]", '[mqtt]\nhots = "x"', "mqtt.hots is unknown, expected no such field"),
        ("[mqtt]", '[mqtt]\nhost = "10.0.0.1"', "host '10.0.0.1' is not this machine, expected username and"),
        (
            "[mqtt]",
            '[mqtt]\nhost = "10.0.0.1"\nusername = "u"\npassword = "p"',
            "host '10.0.0.1' is not this machine and tls is not set, expected true, or false",
        ),
        ("[mqtt]", '[mqtt]\nca_file = "/no/ca.pem"', "no such file, expected certificates in PEM"),
        ("[gateway]", "[gateway", "at line 2, column 9"),
        (GOOD, "line = []" + GOOD[: GOOD.index("[[line]]")], "no line, expected at least one [[line]]"),
        (GOOD[GOOD.index("[[line.device]]") :], "device = []", "has no device, expected at least one"),
    ],
)
def test_names_file_field_value_and_expectation(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigError) as raised:
        load(path)
    assert str(path) in str(raised.value)
    assert expected in str(raised.value)


SECOND_LINE = """
[[line]]
port = "{port}"
[[line.device]]
id = "SOR-00003"
unit = 3
"""


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("/dev/ttyUSB0", "/dev/../dev/ttyUSB0"),
        ("tcp://Pole-7:502", "tcp://pole-7:502"),
        ("tcp://10.0.0.7:502", "rtu+tcp://10.0.0.7:502"),
    ],
)
def test_two_lines_on_one_wire_are_refused_and_both_named(tmp_path: Path, one: str, same: str) -> None:
    """Whatever their units: one would talk into the answers of the other."""
    text = GOOD.replace("/dev/ttyUSB0", one) + SECOND_LINE.format(port=same)
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, text))
    problem = (
        f"line[2].port {same!r} is the wire of line[1].port {one!r}, expected one [[line]] with the devices"
    )
    assert problem in str(raised.value)


def test_another_name_of_an_adapter_is_the_same_wire(tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to("/dev/ttyUSB0")
    with pytest.raises(ConfigError, match="is the wire of"):
        load(written(tmp_path, GOOD + SECOND_LINE.format(port=tmp_path / "by-id")))


def test_two_ports_of_one_converter_are_two_wires(tmp_path: Path) -> None:
    text = GOOD.replace("/dev/ttyUSB0", "tcp://10.0.0.7:502") + SECOND_LINE.format(port="tcp://10.0.0.7:503")
    assert len(load(written(tmp_path, text)).lines) == 2


def test_lists_every_problem_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("port = 1884", "port = -1").replace("unit = 1", "unit = 0")
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, text))
    assert len(raised.value.problems) == 2


def test_a_remote_broker_needs_credentials_and_no_secret_is_shown(tmp_path: Path) -> None:
    text = GOOD.replace("[mqtt]", '[mqtt]\nhost = "broker"\nusername = "u"\npassword = "s3cret"\ntls = true')
    config = load(written(tmp_path, text))
    assert config.mqtt.password is not None
    assert "s3cret" not in repr(config)


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file or directory, expected a readable file"):
        load(tmp_path / "absent.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"b'\\xff\\xfe' is not UTF-8"):
        load(tmp_path / "bytes.toml")


OWN_PROFILE = """
id = "pole"
name = "A controller of our own"
kind = "lamp"
[[register]]
name = "target_level_percent"
table = "holding"
address = 7
type = "u16"
access = "rw"
"""


def test_a_profile_of_ones_own_lies_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "pole.toml").write_text(OWN_PROFILE)
    config = load(written(tmp_path, GOOD + 'profile = "pole.toml"\n'))
    assert load_profile(config.lines[0].devices[1].profile).registers[0].address == 7


def test_a_wrong_profile_is_named_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "pole.toml").write_text(OWN_PROFILE.replace("u16", "u17"))
    with pytest.raises(
        ConfigError, match=r"device\[2\].profile .*pole\.toml: line 9, register 1: type is 'u17'"
    ):
        load(written(tmp_path, GOOD + 'profile = "pole.toml"\n'))
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file or directory, expected a readable file"):
        load(written(tmp_path, GOOD + 'profile = "gone.toml"\n'))


def test_a_cabinet_has_contacts_at_a_unit_of_their_own(tmp_path: Path) -> None:
    cabinet = '[[line.device]]\nid = "cab"\nunit = 201\nprofile = "sdm630"\ncontacts = { unit = 202 }\n'
    device = load(written(tmp_path, GOOD + cabinet)).lines[0].devices[2]
    assert device.contacts is not None
    assert (device.contacts.unit, device.contacts.profile) == (202, "cabinet-contacts")
    with pytest.raises(ConfigError, match="unit 2 occurs 2 times"):
        load(written(tmp_path, GOOD + cabinet.replace("202", "2")))
    with pytest.raises(ConfigError, match=r"'SOR-00002' is a lamp, expected contacts only beside a meter"):
        load(written(tmp_path, GOOD + "contacts = { unit = 202 }\n"))


def gear(number: int, address: int, bus: int = 0) -> str:
    place = f"bus = {bus}\naddress = {address}\n"
    return f'[[line.device]]\nid = "D-{number}"\nunit = 9\nprofile = "intesis-dali"\n{place}'


def test_many_lamps_may_share_a_unit_at_addresses_of_their_own(tmp_path: Path) -> None:
    devices = load(written(tmp_path, GOOD + gear(1, 0) + gear(2, 63) + gear(3, 0, bus=1))).lines[0].devices
    assert [(each.bus, each.address) for each in devices[2:]] == [(0, 0), (0, 63), (1, 0)]
    with pytest.raises(ConfigError, match="unit 9 bus 1 address 3 occurs 2 times"):
        load(written(tmp_path, GOOD + gear(1, 3, bus=1) + gear(2, 3, bus=1)))
    with pytest.raises(ConfigError, match=r"bus 9, address 63 lies behind register 65535"):
        load(written(tmp_path, GOOD + gear(1, 63, bus=9)))
    with pytest.raises(ConfigError, match=r"'SOR-00002' has bus 0 and address 3, expected none"):
        load(written(tmp_path, GOOD + "address = 3\n"))


def cabinet(folder: Path, settings: str) -> Path:
    device = '[[line.device]]\nid = "cab"\nunit = 201\nprofile = "sdm630"\n'
    return written(folder, GOOD + device + settings)


def test_a_cabinet_may_be_switched(tmp_path: Path) -> None:
    settings = 'contacts = { unit = 202 }\nphotocell = true\n[line.device.contactor]\nfollows = "lit"\n'
    device = load(cabinet(tmp_path, settings)).lines[0].devices[-1]
    assert device.photocell
    assert device.contactor is not None
    assert device.contactor.follows == "lit"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("photocell = true", "'cab' has a photocell, expected register 'photocell_output_on' in the profile"),
        (
            'contactor = { follows = "lit" }',
            "'cab' has a contactor, expected register 'contactor_target' that can be written in the profile",
        ),
        (
            'contacts = { unit = 202 }\ncontactor = { follows = "sun" }',
            "contactor.follows is 'sun': Input should be 'lit' or 'always'",
        ),
        ("contacts = { unit = 202 }\ncontactor = {}", "contactor.follows is missing"),
    ],
)
def test_a_cabinet_that_cannot_be_switched_is_refused(tmp_path: Path, settings: str, expected: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(cabinet(tmp_path, settings))
    assert expected in str(refused.value)


def test_an_input_without_a_photocell_is_not_read(tmp_path: Path) -> None:
    for settings, inputs in (("", 3), ("photocell = true\n", 4)):
        config = load(cabinet(tmp_path, "contacts = { unit = 202 }\n" + settings))
        (part,) = device_from_config(config.lines[0].devices[-1]).parts
        assert [block.count for block in part.fast_blocks] == [inputs]

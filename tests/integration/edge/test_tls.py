"""The way to a broker with a certificate and passwords."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest
from pydantic import SecretStr

from edge.config.settings import MqttConfig
from edge.uplink.mqtt import batch_client
from protocols.sparkplug.messages import Outgoing
from tests.conftest import accepts_connections, free_port, require_program, wait_until

WILL = Outgoing("spBv1.0/a/NDEATH/g", b"", 1, False)


@pytest.fixture
def guarded_broker(tmp_path: Path) -> Iterator[int]:
    """A mosquitto that speaks TLS and lets in `gateway` with its password; its certificate is ca.pem."""
    port = free_port()
    subprocess.run(
        [
            *(require_program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "ca.pem")),
        ],
        check=True,
        capture_output=True,
    )
    passwords = tmp_path / "passwords"
    subprocess.run(
        [require_program("mosquitto_passwd"), "-b", "-c", str(passwords), "gateway", "right"], check=True
    )
    passwords.chmod(0o644)  # mosquitto started as root gives root up before it reads them
    (tmp_path / "key.pem").chmod(0o644)
    config = tmp_path / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
        f"certfile {tmp_path / 'ca.pem'}\nkeyfile {tmp_path / 'key.pem'}\nuser root\n"
    )
    command = [require_program("mosquitto"), "-c", str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as broker:
        try:
            wait_until(lambda: accepts_connections(port), what="mosquitto")
            yield port
        finally:
            broker.kill()


def _settings(port: int, tmp_path: Path, password: str, *, tls: bool) -> MqttConfig:
    return MqttConfig(
        port=port,
        username="gateway",
        password=SecretStr(password),
        tls=tls,
        ca_file=tmp_path / "ca.pem" if tls else None,
    )


async def test_a_gateway_is_let_in_with_tls_and_its_password(guarded_broker: int, tmp_path: Path) -> None:
    """What it publishes is taken."""
    async with batch_client(_settings(guarded_broker, tmp_path, "right", tls=True), "g", WILL) as client:
        await client.publish_all([Outgoing("spBv1.0/a/NBIRTH/g", b"x", 1, False)], timeout_s=5)


@pytest.mark.parametrize(("password", "tls"), [("wrong", True), ("right", False)])
async def test_a_gateway_without_them_is_not(
    guarded_broker: int, tmp_path: Path, password: str, tls: bool
) -> None:
    """Neither a wrong password nor a connection in clear gets through."""
    with pytest.raises(aiomqtt.MqttError):
        async with batch_client(_settings(guarded_broker, tmp_path, password, tls=tls), "g", WILL):
            pytest.fail("the broker let it in")

"""What settings are refused, and with which words."""

import pytest

from cloud.config import CloudConfig, CloudConfigError, load_config
from runtime.net import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    """Addresses that lead nowhere but here."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "broker.example", "localhost.example", ""])  # noqa: S104
def test_not_loopback(host: str) -> None:
    """Names are not trusted, and neither is every address at once."""
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "given", [{}, {"USERNAME": "lentera"}, {"PASSWORD": "x"}, {"USERNAME": "", "PASSWORD": ""}]
)
def test_an_open_broker_is_refused(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> None:
    """A broker beyond this machine needs credentials."""
    monkeypatch.setenv("LENTERA_MQTT_HOST", "broker.example")
    for name, value in given.items():
        monkeypatch.setenv(f"LENTERA_MQTT_{name}", value)
    with pytest.raises(
        CloudConfigError, match=r"mqtt_host: 'broker\.example' is not loopback.*expected a broker with auth"
    ):
        load_config()


def test_a_guarded_broker_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """With credentials; the password is never shown."""
    monkeypatch.setenv("LENTERA_MQTT_HOST", "broker.example")
    monkeypatch.setenv("LENTERA_MQTT_USERNAME", "cloud")
    monkeypatch.setenv("LENTERA_MQTT_PASSWORD", "rahasia-sekali")
    config = load_config()
    assert config.mqtt_password is not None
    assert config.mqtt_password.get_secret_value() == "rahasia-sekali"
    assert "rahasia" not in repr(config)


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTP_PORT", "70000"), ("MQTT_PORT", "many"), ("SESSION_LIFETIME", "long"), ("WEB_DIR", "/nowhere")],
)
def test_bad_settings_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """With their variable and their value."""
    monkeypatch.setenv(f"LENTERA_{name}", value)
    with pytest.raises(CloudConfigError, match=f"LENTERA_{name}: '{value}', "):
        load_config()


def test_settings_do_not_change() -> None:
    """What was checked at start stays as it was."""
    with pytest.raises(ValueError, match="frozen"):
        CloudConfig().http_port = 1  # type: ignore[misc]

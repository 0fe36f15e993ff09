"""Which hosts stay on this machine."""

import pytest

from runtime.net import is_loopback


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.9.9.9", "::1", "[::1]"]
)
def test_these_stay_on_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "example.org", "localhost.example.org", "10.0.0.1", "::", "[::2]"])
def test_these_do_not(host: str) -> None:
    assert not is_loopback(host)

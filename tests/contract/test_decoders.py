"""Every decoder of untrusted bytes raises its one documented error, whatever the bytes are."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config.settings import ConfigError, load
from tests.support.decoders import DECODERS, HOSTILE_BYTES, decode


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("hostile", HOSTILE_BYTES)
def test_hostile_bytes_lead_to_the_documented_error_alone(decoder: str, hostile: str) -> None:
    """Some are a document after all: 10,000 digits are a number of JSON to a reader that takes any."""
    decode(decoder, HOSTILE_BYTES[hostile])


@pytest.mark.parametrize("hostile", HOSTILE_BYTES)
def test_a_hostile_gateway_file_is_a_config_error(hostile: str, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes(HOSTILE_BYTES[hostile])
    with pytest.raises(ConfigError, match=r"gateway\.toml"):
        load(path)


@pytest.mark.parametrize("decoder", DECODERS)
@given(body=st.binary(max_size=200))
@settings(max_examples=20)
def test_any_bytes_lead_to_the_documented_error_alone(decoder: str, body: bytes) -> None:
    decode(decoder, body)

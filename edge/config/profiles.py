"""Register maps by the name settings give them: one that comes with Lentera, or a TOML file beside them."""

from functools import lru_cache
from pathlib import Path

from protocols.modbus.builtin import load_builtin
from protocols.modbus.profile import Profile, ProfileError, parse_profile


def is_file(name: str) -> bool:
    """Whether the name of a profile is that of a file: it ends in .toml."""
    return name.endswith(".toml")


@lru_cache(maxsize=256)
def load_profile(name: str) -> Profile:
    """The profile of that name, the same object each time; raises ProfileError naming file and line."""
    if not is_file(name):
        return load_builtin(name)
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise ProfileError([f"{name}: {error.strerror}, expected a readable file"]) from error
    except UnicodeDecodeError as error:
        raise ProfileError([f"{name}: byte {error.start} is not UTF-8, expected a TOML text"]) from error
    return parse_profile(text, name)


@lru_cache(maxsize=4096)
def load_profile_at(name: str, bus: int, address: int) -> Profile:
    """The profile for one lamp behind a unit that serves many, the same object each time."""
    return load_profile(name).at(bus, address)

"""Register profiles by name: one that is part of Lentera, or a TOML file."""

from functools import lru_cache
from pathlib import Path

from protocols.modbus.builtin import load_builtin
from protocols.modbus.profile import Profile, ProfileError, parse_profile


def is_file(name: str) -> bool:
    """Return whether a profile name is the path of a file: it ends in .toml."""
    return name.endswith(".toml")


@lru_cache(maxsize=256)
def load_profile(name: str) -> Profile:
    """Return the profile of this name, the same object each time.

    Raises:
        ProfileError: with file and line of each problem.
    """
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
    """Return the profile for one lamp of a unit that serves several, the same object each time.

    Raises:
        ProfileError: as of `load_profile`.
    """
    return load_profile(name).at(bus, address)

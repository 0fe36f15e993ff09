"""The register profiles that come with Lentera, read from the package's own data."""

from importlib import resources

from protocols.modbus.profile import Profile, ProfileError, parse_profile


def builtin_ids() -> tuple[str, ...]:
    """Return the ids of the profiles that come with Lentera."""
    folder = resources.files(__package__) / "profiles"
    return tuple(
        sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))
    )


def load_builtin(profile_id: str) -> Profile:
    """Return one of the profiles that come with Lentera.

    Raises:
        ProfileError: there is none of that id; the message lists the ids.
    """
    if profile_id not in builtin_ids():
        raise ProfileError([f"profile {profile_id!r} is unknown, expected one of {', '.join(builtin_ids())}"])
    file = resources.files(__package__) / "profiles" / f"{profile_id}.toml"
    return parse_profile(file.read_text(encoding="utf-8"), file.name)

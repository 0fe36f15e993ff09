"""Questions about network addresses."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether `host` (a name or an address, IPv6 with or without brackets) is this machine itself."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

"""The address that the HTTP server listens on."""

import os
import socket


class ListenError(OSError):
    """An address that can't be listened on."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ListenError: the address is in use, not local, or not permitted.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ListenError(
            f"can't listen on {host}:{port} ({os.strerror(error.errno or 0)}), expected a free address"
        ) from error

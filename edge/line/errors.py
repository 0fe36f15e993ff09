"""What can go wrong on a line, told apart by whether asking again can help."""


class LineError(Exception):
    """A request that was not answered as asked."""


class TransientLineError(LineError):
    """Asking again may help."""


class NoResponseError(TransientLineError):
    """The unit said nothing in the time it usually takes."""


class CorruptResponseError(TransientLineError):
    """Bytes came, but no valid answer among them."""


class PortUnavailableError(TransientLineError):
    """The port is not there or went away: no unit of the line can be asked."""


class RequestRefusedError(LineError):
    """The unit answered that it will not do this (a Modbus exception): asking again does not help."""

    def __init__(self, message: str, code: int) -> None:
        self.code = code
        super().__init__(message)


BUSY_CODES = frozenset({5, 6, 10, 11})
"""Modbus exceptions that do not come from a device that refuses.

5 and 6, acknowledge and busy, only mean "later". 10 and 11 are a converter's: it has no way to the device,
or the device does not answer it.
"""

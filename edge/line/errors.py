"""Errors of a line: transient ones, where the same request may succeed later, and refusals."""


class LineError(Exception):
    """A request without the response it requires."""


class TransientLineError(LineError):
    """Transient: the same request may succeed later."""


class NoResponseError(TransientLineError):
    """The unit did not respond in the time it usually takes."""


class CorruptResponseError(TransientLineError):
    """Bytes were received, but no valid response among them."""


class PortUnavailableError(TransientLineError):
    """The port is not there or was lost: no unit of the line can be reached."""


class RequestRefusedError(LineError):
    """Permanent: the unit responded with a Modbus exception, and will to the same request again."""

    def __init__(self, message: str, code: int) -> None:
        self.code = code
        super().__init__(message)


# Modbus Application Protocol V1.1b3, 7: 5 (acknowledge) and 6 (busy) only mean "later"; 10 and 11 are sent by
# a converter that has no path to the device, or gets no response from it.
BUSY_CODES = frozenset({5, 6, 10, 11})
"""Modbus exception codes that are no refusal by the device: transient."""

"""Lines by their settings: which port, framing and timing each has."""

from dataclasses import dataclass

from edge.line.bus import Line
from edge.line.framing import RtuFraming, TcpFraming
from edge.line.port import Port, PortEvents, SerialPort, SerialSettings, TcpPort
from edge.line.timing import OFF_WIRE, serial_timing


@dataclass(frozen=True, slots=True)
class LineSettings:
    """A line as configured; `port` is a device path, tcp://host:port or rtu+tcp://host:port."""

    port: str
    baud: int = 9600
    parity: str = "N"
    stop_bits: int = 1
    response_timeout_s: float = 0.3


def open_line(settings: LineSettings) -> Line:
    """Return the line for these settings, not opened yet: `run` does that."""
    scheme, _, rest = settings.port.partition("://")
    host, _, number = rest.rpartition(":")
    wire = SerialSettings(settings.port, settings.baud, settings.parity, settings.stop_bits)

    async def open_port(events: PortEvents) -> Port:
        if scheme in ("tcp", "rtu+tcp"):
            return await TcpPort.open(host, int(number), events)
        return await SerialPort.open(wire, events)

    if scheme == "tcp":
        return Line(settings.port, open_port, TcpFraming(), OFF_WIRE, settings.response_timeout_s)
    # RTU over TCP ends in a serial line behind the converter: the wire's silences and durations apply there.
    timing = serial_timing(settings.baud)
    return Line(settings.port, open_port, RtuFraming(), timing, settings.response_timeout_s)

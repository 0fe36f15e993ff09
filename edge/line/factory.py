"""The line for what a configuration says of it."""

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
    """The line for these settings, not opened yet: `run` does that."""
    scheme, _, rest = settings.port.partition("://")
    host, _, number = rest.rpartition(":")

    async def open_tcp(events: PortEvents) -> Port:
        return await TcpPort.open(host, int(number), events)

    async def open_serial(events: PortEvents) -> Port:
        wire = SerialSettings(settings.port, settings.baud, settings.parity, settings.stop_bits)
        return await SerialPort.open(wire, events)

    timeout_s = settings.response_timeout_s
    if scheme == "tcp":
        return Line(settings.port, open_tcp, TcpFraming(), OFF_WIRE, timeout_s)
    if scheme == "rtu+tcp":
        return Line(settings.port, open_tcp, RtuFraming(), serial_timing(settings.baud), timeout_s)
    return Line(settings.port, open_serial, RtuFraming(), serial_timing(settings.baud), timeout_s)

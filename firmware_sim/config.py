"""The settings of a simulator."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class TcpProtocol(StrEnum):
    """The protocol of a line's TCP port."""

    MODBUS_TCP = "tcp"
    RTU = "rtu"


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """The lines of a simulator, their ports, and how exact they are.

    Every line is a pseudo-terminal under `run_dir`/lines. `baud` 0 takes all wire time away. With
    `tcp_first_port` the n-th line is served on that port + n as well, or on any free port when it is 0.
    Requests that break the silence between frames are counted, and lost unless `strict_silence` is off.
    `faults_per_1000_lamps` breaks that many lamps in the course of twelve hours, as `seed` has it.
    """

    run_dir: Path
    http_host: str = "127.0.0.1"
    http_port: int = 0
    seed: int = 1
    baud: int = 9600
    strict_silence: bool = True
    tcp_host: str = "127.0.0.1"
    tcp_first_port: int | None = None
    tcp_framing: TcpProtocol = TcpProtocol.MODBUS_TCP
    faults_per_1000_lamps: float = 0.0
    logged_polls: int = 500_000

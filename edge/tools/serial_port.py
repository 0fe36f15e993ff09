"""Why a serial port cannot be used, and what the person before it can do about that."""

import errno
import fcntl
import grp
import os
import stat
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PORTS: Final = ("serial/by-path/*", "ttyUSB*", "ttyACM*", "ttyAMA*", "ttySC*", "ttymxc*", "ttyO*")
"""Where adapters and RS-485 hats show up below /dev; not ttyS*, most of which stand for nothing."""

_MOST_NAMED = 6


def port_problem(port: str, devices: Path = Path("/dev"), processes: Path = Path("/proc")) -> str | None:
    """What is wrong with this serial port and what to do; None when it can be used. It is left as it was."""
    path = Path(port)
    try:
        status = path.stat()
    except FileNotFoundError:
        return f"there is no such port. {_ports_there(devices)}"
    except OSError as error:
        return f"{error.strerror}. {_ports_there(devices)}"
    if not stat.S_ISCHR(status.st_mode):
        return f"this is no serial port. {_ports_there(devices)}"
    if not os.access(path, os.R_OK | os.W_OK):
        return _forbidden(status)
    return _taken(path, processes)


def _ports_there(devices: Path) -> str:
    found = [str(path) for pattern in _PORTS for path in sorted(devices.glob(pattern))]
    if not found:
        return f"No adapter is plugged in: none shows in {devices}. Look at its cable, and at dmesg"
    more = " …" if len(found) > _MOST_NAMED else ""
    return f"Ports here now: {', '.join(found[:_MOST_NAMED])}{more}"


def _forbidden(status: os.stat_result) -> str:
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return (
        f"this user may not use it, only group {group}. "
        f"Run it with sudo, or: sudo usermod -aG {group} $USER, and log in again"
    )


def _taken(path: Path, processes: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.EBUSY:
            return _held(path, processes)
        return f"{error.strerror}. Look whether the adapter is still plugged in"
    try:
        termios.tcgetattr(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except termios.error:
        return "this is no serial port"
    except OSError:
        return _held(path, processes)
    finally:
        os.close(descriptor)
    return None


def _held(path: Path, processes: Path) -> str:
    holders = sorted(_holders(path, processes))
    who = f" ({', '.join(holders)})" if holders else ""
    return (
        f"another process holds it{who}, and a line has one owner. "
        "Stop that one first; a gateway: sudo systemctl stop lentera-edge"
    )


def _holders(path: Path, processes: Path) -> Iterator[str]:
    """Who has the device open, as far as this user may see."""
    device = path.resolve()
    for folder in processes.glob("[0-9]*"):
        try:
            opened = {each.readlink() for each in (folder / "fd").iterdir()}
            name = (folder / "comm").read_text().strip()
        except OSError:
            continue
        if device in opened and folder.name != str(os.getpid()):
            yield f"{name}, process {folder.name}"

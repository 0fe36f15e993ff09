"""Why a serial port cannot be used, and what to do about it."""

import errno
import fcntl
import grp
import os
import stat
import termios
from pathlib import Path
from typing import Final

_PORTS: Final = ("serial/by-path/*", "ttyUSB*", "ttyACM*", "ttyAMA*", "ttySC*", "ttymxc*", "ttyO*")
"""Names of USB adapters and RS-485 hats below /dev; not ttyS*, most of which have no hardware."""

_MAX_LISTED = 6


def port_problem(port: str, devices: Path = Path("/dev"), processes: Path = Path("/proc")) -> str | None:
    """Return why this serial port cannot be used and what to do; None if it can be used.

    `devices` and `processes` are the folders that list the ports and the processes of the machine.
    """
    path = Path(port)
    try:
        status = path.stat()
    except FileNotFoundError:
        return f"there is no such port. {_present_ports(devices)}"
    except OSError as error:
        return f"{error.strerror}. {_present_ports(devices)}"
    if not stat.S_ISCHR(status.st_mode):
        return f"this is no serial port. {_present_ports(devices)}"
    if not os.access(path, os.R_OK | os.W_OK):
        return _forbidden(status)
    return _port_in_use(path, processes)


def _present_ports(devices: Path) -> str:
    found = [str(path) for pattern in _PORTS for path in sorted(devices.glob(pattern))]
    if not found:
        return f"No adapter is plugged in: {devices} has none. Check its cable, and dmesg"
    more = " …" if len(found) > _MAX_LISTED else ""
    return f"Ports here now: {', '.join(found[:_MAX_LISTED])}{more}"


def _forbidden(status: os.stat_result) -> str:
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    return (
        f"this user may not use it, only group {group}. "
        f"Run it with sudo, or: sudo usermod -aG {group} $USER, and log in again"
    )


def _port_in_use(path: Path, processes: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.EBUSY:
            return _in_use_by(path, processes)
        return f"{error.strerror}. Check that the adapter is still plugged in"
    try:
        termios.tcgetattr(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except termios.error:
        return "this is no serial port"
    except OSError:
        return _in_use_by(path, processes)
    finally:
        os.close(descriptor)
    return None


def _in_use_by(path: Path, processes: Path) -> str:
    device, holders = path.resolve(), []
    for folder in processes.glob("[0-9]*"):
        try:
            opened = {each.readlink() for each in (folder / "fd").iterdir()}
            name = (folder / "comm").read_text().strip()
        except OSError:
            continue  # it has ended, or belongs to another user
        if device in opened and folder.name != str(os.getpid()):
            holders.append(f"{name}, process {folder.name}")
    who = f" ({', '.join(sorted(holders))})" if holders else ""
    return (
        f"another process uses it{who}, and only one may use a line. "
        "Stop that process first; a gateway: sudo systemctl stop lentera-edge"
    )

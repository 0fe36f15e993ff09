"""Writes the register map of every built-in profile as Markdown."""

from collections.abc import Iterable

from protocols.modbus.builtin import builtin_ids, load_builtin
from protocols.modbus.profile import Poll, Profile, Register, ValueType, WordOrder

_INTRODUCTION = """# Register map

What a gateway reads and writes, by device. This page is generated from `protocols/modbus/profiles/*.toml`.

Addresses are those on the wire, from 0. A value is raw · scale + offset, in the unit given; a raw value in
the column *not known* never becomes a number. *Fast* registers are read at every poll, *slow* ones at times.
"""
_COLUMNS = (
    "address",
    "table",
    "name",
    "type",
    "scale",
    "offset",
    "unit",
    "access",
    "poll",
    "range",
    "not known",
    "meaning",
)


def register_map() -> str:
    """Return the whole page, as Markdown."""
    lines = [_INTRODUCTION]
    for profile in map(load_builtin, builtin_ids()):
        registers = sorted(profile.registers, key=lambda each: (each.table, each.address, each.bit or 0))
        rows = [_row(_COLUMNS), _row("---" for _ in _COLUMNS), *(_row(_cells(each)) for each in registers)]
        lines += [f"## {profile.name} (`{profile.id}`)\n", *_notes(profile), "", *rows, ""]
    return "\n".join(lines)


def _notes(profile: Profile) -> Iterable[str]:
    yield f"Kind: {profile.kind}. Source: {profile.source}."
    yield f"Up to {profile.max_registers} registers in one read."
    if profile.address_stride or profile.line_stride:
        strides = f"{profile.line_stride} · bus + {profile.address_stride} · short address"
        yield f"One unit serves many lamps: add {strides}."
    if profile.ignores_broadcast:
        yield "Ignores broadcasts: lamps on its line may be written by broadcast."
    elif not any(register.broadcast for register in profile.registers):
        yield "May obey a broadcast: on its line each lamp is written singly."


def _cells(register: Register) -> tuple[str, ...]:
    last, low, high = register.end - 1, register.minimum, register.maximum
    return (
        str(register.address) if last == register.address else f"{register.address}–{last}",
        register.table,
        f"`{register.name}`",
        _type(register),
        "" if register.scale == 1 else _scale(register),
        f"{register.offset:g}" if register.offset else "",
        register.unit,
        f"{register.access}, broadcast" if register.broadcast else register.access,
        register.poll or Poll.SLOW if register.readable else "",
        "" if low is None or high is None else f"{low:g}–{high:g}",
        ", ".join(f"0x{value:X}" for value in sorted(register.error_values)),
        register.description,
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _type(register: Register) -> str:
    if register.type is ValueType.BOOL:
        name = "bool" if register.bit is None else f"bit {register.bit}"
        return f"{name}, 0 is true" if register.inverted else name
    low_first = register.type.words == 2 and register.word_order is WordOrder.LOW_FIRST
    return f"{register.type}, low word first" if low_first else register.type


def _scale(register: Register) -> str:
    decimal = 10 ** (len(str(register.scale.denominator)) - 1) == register.scale.denominator
    return (
        f"{float(register.scale):g}" if decimal or register.scale.denominator < 100 else str(register.scale)
    )

"""The register map of a kind of device, and how it is read from TOML."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from protocols.decoding import UndecodableError, decode_toml
from protocols.modbus.fields import FieldReader, ProfileError, lines_of

__all__ = [
    "Access",
    "Poll",
    "Profile",
    "ProfileError",
    "Register",
    "Table",
    "ValueType",
    "parse_profile",
]


class Table(StrEnum):
    """The four address spaces of Modbus."""

    INPUT = "input"
    HOLDING = "holding"
    COIL = "coil"
    DISCRETE = "discrete"


class ValueType(StrEnum):
    """How a value is stored in its registers."""

    U16 = "u16"
    S16 = "s16"
    U32 = "u32"
    S32 = "s32"
    F32 = "f32"
    BOOL = "bool"

    @property
    def words(self) -> int:
        """Registers, or coils, that one value occupies."""
        return 2 if self.endswith("32") else 1


class Access(StrEnum):
    """Whether a register can be read, written or both."""

    READ = "r"
    READ_WRITE = "rw"
    WRITE = "w"


class Poll(StrEnum):
    """How often a register is read: at every poll, or rarely."""

    FAST = "fast"
    SLOW = "slow"


class WordOrder(StrEnum):
    """Which register of a 32-bit value comes first."""

    HIGH_FIRST = "high-first"
    LOW_FIRST = "low-first"


class ProfileKind(StrEnum):
    """What the gateway uses a device for."""

    LAMP = "lamp"
    METER = "meter"
    CONTACTS = "contacts"


@dataclass(frozen=True, slots=True)
class Register:
    """One value: its address and its meaning. Value = raw · scale + offset; an error value means None.

    `bit` selects one bit of a register, for `ValueType.BOOL` outside coils; `inverted` says that 0 is true.
    `minimum` and `maximum` bound what may be written, in the value's unit. `broadcast` means that a write to
    all units at once is allowed.
    """

    name: str
    table: Table
    address: int
    type: ValueType
    bit: int | None = None
    inverted: bool = False
    word_order: WordOrder = WordOrder.HIGH_FIRST
    scale: Fraction = Fraction(1)
    offset: float = 0
    error_values: frozenset[int] = frozenset()
    access: Access = Access.READ
    poll: Poll | None = Poll.FAST
    minimum: float | None = None
    maximum: float | None = None
    broadcast: bool = False
    unit: str = ""
    description: str = ""

    @property
    def end(self) -> int:
        """The first address after the value."""
        return self.address + self.type.words

    @property
    def readable(self) -> bool:
        """Whether the value can be read."""
        return self.access is not Access.WRITE

    @property
    def writable(self) -> bool:
        """Whether the value can be written."""
        return self.access is not Access.READ


@dataclass(frozen=True, slots=True)
class Profile:
    """The register map of one kind of device.

    `max_registers` is the most that one request may read. Up to `max_gap` unused registers between two that
    are needed are read too, because they take less wire time than a second request. Where one unit serves
    many lamps, the addresses of lamp `n` of bus `line` are shifted by `line_stride` · line +
    `address_stride` · n: see `at`. `ignores_broadcast` means that a write to all units at once changes
    nothing in this one.
    """

    id: str
    name: str
    kind: ProfileKind
    registers: tuple[Register, ...]
    max_registers: int = 125
    max_gap: int = 8
    line_stride: int = 0
    address_stride: int = 0
    ignores_broadcast: bool = False
    source: str = ""

    @property
    def last_address(self) -> int:
        """The last address that any register occupies."""
        return max(register.end for register in self.registers) - 1

    def at(self, line: int, address: int) -> "Profile":
        """Return the map of the lamp with this short address on this bus of a unit that serves many lamps."""
        shift = self.line_stride * line + self.address_stride * address
        moved = tuple(replace(register, address=register.address + shift) for register in self.registers)
        return replace(self, registers=moved)

    def always_reading(self, name: str) -> "Profile":
        """Return the map with the register of that name read at every poll; itself where it is already."""
        if all(each.name != name or each.poll is Poll.FAST for each in self.registers):
            return self
        registers = (replace(each, poll=Poll.FAST) if each.name == name else each for each in self.registers)
        return replace(self, registers=tuple(registers))

    def without(self, name: str) -> "Profile":
        """Return the map without the register of that name; itself where there is none."""
        left = tuple(register for register in self.registers if register.name != name)
        return self if len(left) == len(self.registers) else replace(self, registers=left)


def parse_profile(text: str, source: str) -> Profile:
    """Read a profile.

    Raises:
        ProfileError: each problem names `source`, line, field, value and what was expected.
    """
    try:
        document = decode_toml(text)
    except UndecodableError as error:
        raise ProfileError([f"{source}: {error}, expected TOML"]) from error
    lines = lines_of(text)
    head = FieldReader(document, source, lines[0])
    registers = _parse_registers(document.pop("register", None), lines[1:], head)
    profile = Profile(
        id=head.text("id"),
        name=head.text("name"),
        kind=head.choice("kind", ProfileKind),
        registers=registers,
        max_registers=head.integer("max_registers", 1, 125, default=125),
        max_gap=head.integer("max_gap", 0, 123, default=8),
        line_stride=head.integer("line_stride", 0, 65535, default=0),
        address_stride=head.integer("address_stride", 0, 65535, default=0),
        ignores_broadcast=head.flag("ignores_broadcast"),
        source=head.text("source", default=""),
    )
    if profile.ignores_broadcast and (broadcast := [each.name for each in registers if each.broadcast]):
        head.problem("ignores_broadcast", True, f"false, since {broadcast[0]} can be written by broadcast")
    head.reject_unknown()
    if head.problems:
        raise ProfileError(head.problems)
    return profile


def _parse_registers(
    tables: object, lines: Sequence[Mapping[str, int]], head: FieldReader
) -> tuple[Register, ...]:
    if not isinstance(tables, list) or not tables:
        head.problem("register", tables, "at least one [[register]] table")
        return ()
    registers: list[Register] = []
    for index, fields in enumerate(tables):
        where = f"register {index + 1}"
        reader = FieldReader(
            fields, head.source, lines[index] if index < len(lines) else {}, where, head.problems
        )
        registers.append(_parse_register(reader))
    for name, count in Counter(register.name for register in registers).items():
        if count > 1:
            head.problem("register.name", name, f"it once, occurs {count} times")
    return tuple(registers)


def _parse_register(reader: FieldReader) -> Register:
    value_type = reader.choice("type", ValueType)
    table = reader.choice("table", Table)
    access = reader.choice("access", Access, default=Access.READ)
    bits = value_type is ValueType.BOOL and table in (Table.INPUT, Table.HOLDING)
    register = Register(
        name=reader.identifier("name"),
        table=table,
        address=reader.integer("address", 0, 65536 - value_type.words),
        type=value_type,
        bit=reader.integer("bit", 0, 15) if bits else None,
        inverted=reader.flag("inverted") if value_type is ValueType.BOOL else False,
        word_order=reader.choice("word_order", WordOrder, default=WordOrder.HIGH_FIRST),
        scale=reader.fraction("scale"),
        offset=reader.number("offset", default=0.0),
        error_values=reader.integers("error_values"),
        access=access,
        poll=reader.choice("poll", Poll, default=Poll.FAST) if access is not Access.WRITE else None,
        minimum=reader.optional_number("minimum"),
        maximum=reader.optional_number("maximum"),
        broadcast=reader.flag("broadcast"),
        unit=reader.text("unit", default=""),
        description=reader.text("description", default=""),
    )
    if register.writable and table in (Table.INPUT, Table.DISCRETE):
        reader.problem("access", access.value, f"'r', since table {table.value!r} cannot be written")
    if table in (Table.COIL, Table.DISCRETE) and value_type is not ValueType.BOOL:
        reader.problem("type", value_type.value, f"'bool', since table {table.value!r} holds single bits")
    reader.reject_unknown()
    return register

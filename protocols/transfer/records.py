"""The form of a record in an outbox and in a bundle: its kind, and its fields as MessagePack."""

from typing import Final

import msgspec

from protocols.cabinet import CabinetReading
from protocols.decoding import UndecodableError, decode_msgpack
from protocols.events import DeviceEvent
from protocols.lamp import CommandResult, LampReading

Record = LampReading | CabinetReading | DeviceEvent | CommandResult

_KINDS: Final[dict[type[Record], str]] = {
    LampReading: "reading",
    CabinetReading: "cabinet",
    DeviceEvent: "event",
    CommandResult: "result",
}
_TYPES: Final[dict[str, type[Record]]] = {kind: type_ for type_, kind in _KINDS.items()}
_ENCODER: Final = msgspec.msgpack.Encoder()


class UnknownRecordError(ValueError):
    """A record of a kind, or with fields, that this version cannot read."""


def kind_of(record: Record) -> str:
    """Return the kind of a record, which `decode_record` needs."""
    return _KINDS[type(record)]


def encode_record(record: Record) -> bytes:
    """Return the body of a record."""
    return _ENCODER.encode(record)


def decode_record(kind: str, body: bytes) -> Record:
    """Return the record of a body.

    Raises:
        UnknownRecordError: this version has no such kind, or it has other fields.
    """
    type_ = _TYPES.get(kind)
    if type_ is None:
        raise UnknownRecordError(f"record of kind {kind!r}, expected one of {', '.join(_TYPES)}")
    try:
        return decode_msgpack(body, type_)
    except UndecodableError as error:
        raise UnknownRecordError(f"{kind}: {error}") from error

"""Every decoder of untrusted bytes with the one error that it documents, and bytes that break decoders."""

from collections.abc import Callable
from contextlib import suppress

from cloud.http.problems import ProblemError
from cloud.plans.talq_body import decode_document
from protocols.decoding import UndecodableError, decode_json, decode_msgpack, decode_toml
from protocols.inventory import lamp_list
from protocols.inventory import model as inventory
from protocols.lighting import talq
from protocols.lighting.plan import PlanError, decode_plan
from protocols.lighting.talq import ControlProgramOne, ProgramError
from protocols.mapping import InvalidMetrics, event_from, result_from
from protocols.metrics import COMMAND_RESULT_RECORD, EVENT_RECORD
from protocols.modbus.fields import ProfileError
from protocols.modbus.profile import parse_profile
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.messages import decode_state
from protocols.sparkplug.payload import MalformedPayload, MetricValue
from protocols.sparkplug.payload import decode as decode_payload
from protocols.transfer.bundle import BundleError, read_header, unpack_answer, unpack_records
from protocols.transfer.records import UnknownRecordError, decode_record

HOSTILE_BYTES = {
    "nothing": b"",
    "not UTF-8": b'{"id":"\xff"}',
    "cut UTF-8": '{"id":"é'.encode()[:-1],
    "nested arrays": b"[" * 100_000,
    "closed arrays": b"[" * 20_000 + b"]" * 20_000,
    "nested objects": b'{"a":' * 100_000,
    "nested in an unknown field": b'{"unknown":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "many digits": b"1" * 10_000,
    "many digits in a field": b'{"id":' + b"9" * 10_000 + b"}",
    "an exponent beyond any float": b'{"id":1e999}',
    "half of a surrogate pair": b'{"id":"\\ud800 "}',
    "NUL": b"\x00" * 100,
    "MessagePack of 4 billion items": b"\xdd\xff\xff\xff\xff",
    "MessagePack of 4 GB of text": b"\xdb\xff\xff\xff\xff",
    "MessagePack nested": b"\x91" * 100_000,
    "MessagePack of text that is not UTF-8": b"\xa1\xff",
    "TOML nested": b"a = " + b"[" * 3_000,
    "TOML digits": b"a = " + b"1" * 4_000 + b"\nb = " + b"1" * 4_050,
    "TOML of a key with many parts": b"a" + b".a" * 100_000 + b" = 1",
    "TOML of a date that no calendar has": b"a = 2026-02-30",
}


def _decode_event(body: bytes) -> object:
    return event_from([MetricValue(EVENT_RECORD, None, DataType.STRING, body.decode("latin-1"), 0)])


def _decode_result(body: bytes) -> object:
    return result_from([MetricValue(COMMAND_RESULT_RECORD, None, DataType.STRING, body.decode("latin-1"), 0)])


DECODERS: dict[str, tuple[Callable[[bytes], object], type[Exception]]] = {
    "JSON of any kind": (decode_json, UndecodableError),
    "JSON": (lambda body: decode_json(body, dict[str, int]), UndecodableError),
    "MessagePack": (lambda body: decode_msgpack(body, list[int]), UndecodableError),
    "TOML": (decode_toml, UndecodableError),
    "Sparkplug payload": (decode_payload, MalformedPayload),
    "STATE": (decode_state, MalformedPayload),
    "event record": (_decode_event, InvalidMetrics),
    "result record": (_decode_result, InvalidMetrics),
    "programme": (lambda body: talq.decode(body, "p"), ProgramError),
    "TALQ document of a request": (lambda body: decode_document(body, ControlProgramOne), ProblemError),
    "plan": (lambda body: decode_plan(body, "plan"), PlanError),
    "inventory": (lambda body: inventory.decode(body, "inventory"), inventory.InventoryError),
    "GeoJSON": (
        lambda body: lamp_list.parse_geojson(body.decode("latin-1"), "lamps"),
        inventory.InventoryError,
    ),
    "CSV": (lambda body: lamp_list.parse_csv(body.decode("latin-1"), "lamps"), inventory.InventoryError),
    "profile": (lambda body: parse_profile(body.decode("latin-1"), "profile"), ProfileError),
    "record of a bundle": (lambda body: decode_record("reading", body), UnknownRecordError),
    "header of a bundle": (lambda body: read_header(b"lentera bundle 1\n" + body, "bundle"), BundleError),
    "frame of records": (lambda body: unpack_records(body, "bundle"), BundleError),
    "frame of an answer": (lambda body: unpack_answer([body], "bundle"), BundleError),
}


def decode(name: str, data: bytes) -> None:
    """Decode with one of them; the error that it documents is a result, any other is raised."""
    decoder, documented = DECODERS[name]
    with suppress(documented):
        decoder(data)

"""The MQTT reference as Markdown, from the catalogue and the codecs that the programs run on."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from protocols.events import TRAITS, DeviceEvent, EventType
from protocols.lamp import CommandResult, CommandStatus, LightCommand
from protocols.lighting.calendar import Calendar, CalendarRule, MonthDay
from protocols.lighting.plan import LONGEST_DOCUMENT, LightingPlan, encode_plan
from protocols.lighting.program import ASTRO_DEFAULT, LightingProgram
from protocols.mapping import (
    COMMANDED_METRICS,
    DEFAULT_OVERRIDE,
    PRIMARY_HOST,
    command_metrics,
    event_metrics,
    result_metrics,
)
from protocols.metrics import (
    CABINET_CONTROL_METRICS,
    CABINET_METRICS,
    COMMAND_ID,
    DEVICE_CONTROL_METRICS,
    LAMP_METRICS,
    NODE_METRICS,
    OUTBOX_ACKNOWLEDGED,
    OUTBOX_EPOCH,
    OUTBOX_POSITION,
    PLAN_DOCUMENT,
    PLAN_HASH,
    PLAN_PROBLEM,
    TARGET_LIGHT_COMMAND,
    Metric,
)
from protocols.sparkplug.datatypes import DataType
from protocols.sparkplug.host import REBIRTH_PAUSE_MS, HostSession
from protocols.sparkplug.messages import BD_SEQ, REBIRTH
from protocols.sparkplug.payload import MetricValue
from protocols.sparkplug.topics import MessageType, Topic, state_topic

_AREA, _GATEWAY, _LAMP = "32.04.37", "soreang-01", "SOR-00001"
_OVERRIDE_H: Final = DEFAULT_OVERRIDE // timedelta(hours=1)
_TIME: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
_PLAN: Final = LightingPlan(
    programs=(ASTRO_DEFAULT, LightingProgram("all-night", "Full light all night")),
    calendars=(
        Calendar("every-night", "Every night", (), ASTRO_DEFAULT.id),
        Calendar(
            "market",
            "Market street",
            (
                CalendarRule("all-night", MonthDay(12, 31), MonthDay(1, 1)),
                CalendarRule("all-night", date(2027, 3, 9), date(2027, 3, 11)),
                CalendarRule("all-night", weekdays=frozenset({6, 7})),
            ),
            ASTRO_DEFAULT.id,
        ),
    ),
    assignments={_LAMP: "market"},
    default_calendar_id="every-night",
)

_INTRODUCTION: Final = f"""\
# MQTT reference

What travels between gateways and cloud: Sparkplug B 3.0. This page is generated from the catalogue in
`protocols/metrics.py` and from the codecs; `make generate` writes it.

A Sparkplug *group* is an area (a kecamatan code), an *edge node* is a gateway, a *device* is a lamp
or a cabinet. A metric is called `<TALQ function>/<attribute>` in the words of TALQ 2.7.1. The primary host is
`{PRIMARY_HOST}`: a gateway publishes nothing before that host is online.
"""

_BIRTHS: Final = f"""\
- `{BD_SEQ}` (INT64) is in NBIRTH and NDEATH and pairs them: one more with every connection, modulo 256.
- `{REBIRTH}` (BOOLEAN) is in NBIRTH; a host writes true to have all births again, at most once in
  {REBIRTH_PAUSE_MS // 1000} s.
- `seq` counts 0..255 over all messages of a gateway and its lamps; NBIRTH has 0.
- Births give each metric a name, a data type, a unit (property `engUnit`) and an alias. Data then carries the
  alias alone. Metrics that hosts write have no alias and always go by name, so a client that has not seen the
  birth can command:
{{unaliased}}
- A lamp that stops answering its gateway dies (DDEATH) and is born again (DBIRTH) when it answers.
"""

_CABINET: Final = """\
A cabinet is a meter and contacts on a line of its gateway, and one Sparkplug device. Where its settings give
it a contactor, a light command closes that above 0 and opens it at 0; others answer that they cannot.
`actualState` is `ON` or `OFF`: whether the contactor feeds the lamps. `photocellOutputOn` is true while it is
dark. `switchingErrorOn`: the contactor is stuck in ON; `switchingErrorOff`: it is stuck in OFF.
Meter power is in kW, lamp power in W.

"""
_CABINET_CONTROLS: Final = [*CABINET_CONTROL_METRICS, *DEVICE_CONTROL_METRICS]

_OUTBOX: Final = f"""\
A gateway keeps each record until the cloud has stored it durably and acknowledged it; records that are not
acknowledged are sent again, marked `is_historical` once they are late. Storing one twice changes nothing.

| record | message | keyed by |
|---|---|---|
| reading | DDATA on the lamp or cabinet: all its reading metrics | device, time |
| event | NDATA: `Gateway/event` | gateway, epoch, position |
| command result | NDATA: `Gateway/commandResult` | gateway, epoch, position |

Every record carries `{OUTBOX_POSITION}` (UINT64). `{OUTBOX_EPOCH}` (INT64, Unix ms) names the outbox those
positions count in: a gateway that lost its disk begins a new epoch. The cloud acknowledges by NCMD with
`{OUTBOX_EPOCH}` and `{OUTBOX_ACKNOWLEDGED}` (UINT64_ARRAY): positions first..last, both included, as
`[first, last, first, last, …]`.
"""

_COMMANDS: Final = f"""\
A DCMD on a lamp overrides its lighting program. It is never retained and never repeated, and it is not
carried out after its deadline. The gateway answers with a command result: `confirmed` when the lamp was read
back at the level, `failed` with the reason, or `expired`. A level that is not 0..100 changes nothing.

{{command}}
`{TARGET_LIGHT_COMMAND}` alone is enough for a third-party client. Without
`{COMMAND_ID}` and an expiration the override ends by itself after {_OVERRIDE_H} hours. A null level
ends the override in force.
"""

_PLANS: Final = f"""\
A lighting plan is desired state: which program each lamp follows on which nights. The cloud sends it by NCMD
as `{PLAN_DOCUMENT}`. The gateway reports in NBIRTH, and by NDATA whenever it changes, the SHA-256 of the
document it follows as `{PLAN_HASH}` (empty: the built-in plan, with which every gateway starts). A document
it cannot follow changes nothing and is reported as `{PLAN_PROBLEM}` until one that can be followed comes. The
same document again changes nothing. Lamps that are not the gateway's are ignored.

The document is JSON in TALQ's shapes, at most {LONGEST_DOCUMENT:,} bytes: programs are ControlProgramOne,
calendars Calendar. Of a calendar's rules the first that fits the night decides, else `defaultProgram`, else
the built-in program. A night belongs to the local date of its noon (`dayOffset` 12). Dates are `yyyy-mm-dd`,
or `--mm-dd` in every year, both ends included; weekdays are 1 (Monday) to 7. A lamp that `lamps` does not
name follows the calendar `defaultCalendarID`.

```json
{encode_plan(_PLAN).decode()}
```
"""


def mqtt_reference() -> str:
    """Return the whole page; the same code gives the same text."""
    unaliased = "\n".join(f"  - `{name}`" for name in sorted(COMMANDED_METRICS))
    sections = [
        _INTRODUCTION,
        "## Topics\n\n" + _table(("topic", "from", "QoS", "retained", "content"), _topics()),
        "## Births and aliases\n\n" + _BIRTHS.format(unaliased=unaliased),
        "## A lamp's metrics\n\n" + _metrics([*LAMP_METRICS, *DEVICE_CONTROL_METRICS]),
        "## A cabinet's metrics\n\n" + _CABINET + _metrics([*CABINET_METRICS, *_CABINET_CONTROLS]),
        "## A gateway's metrics\n\n" + _metrics(NODE_METRICS),
        "## Records and acknowledgements\n\n" + _OUTBOX,
        "### `Gateway/event`\n\n" + _json(event_metrics(_EVENT)),
        _table(
            ("type", "TALQ function", "severity", "raised by"),
            ((f"`{kind}`", each.function, each.severity, each.source) for kind, each in TRAITS.items()),
        ),
        "### `Gateway/commandResult`\n\n" + _json(result_metrics(_RESULT)),
        "## Commands\n\n" + _COMMANDS.format(command=_command_table()),
        "## Lighting plans\n\n" + _PLANS,
    ]
    return "\n".join(sections)


_EVENT: Final = DeviceEvent(_LAMP, EventType.COMMUNICATION_FAILURE, _TIME, active=True, info="no answer")
_RESULT: Final = CommandResult(
    "4f0c1f7e-6d57-4c9b-9a53-5a1d1f0c2b11", _LAMP, CommandStatus.FAILED, _TIME, None, "no answer on line 1"
)
_COMMAND: Final = LightCommand(
    "4f0c1f7e-6d57-4c9b-9a53-5a1d1f0c2b11",
    _LAMP,
    80,
    _TIME,
    _TIME + timedelta(minutes=1),
    _TIME + timedelta(hours=2),
    2.0,
)

_CONTENT: Final = {
    MessageType.NBIRTH: "the gateway is there; all its metrics",
    MessageType.DBIRTH: "the lamp answers; all its metrics with their values",
    MessageType.NDATA: "an event, a command result, or the plan it follows now",
    MessageType.DDATA: "a reading",
    MessageType.DDEATH: "the lamp has stopped answering",
    MessageType.NDEATH: "the gateway is gone; left with the broker as will",
    MessageType.NCMD: "acknowledgement, lighting plan, or rebirth request",
    MessageType.DCMD: "light command",
}


def _topics() -> Iterable[Sequence[str]]:
    for kind, content in _CONTENT.items():
        sender = "cloud" if kind in (MessageType.NCMD, MessageType.DCMD) else "gateway"
        topic = Topic(_AREA, kind, _GATEWAY, _LAMP if kind.is_device else None)
        yield f"`{topic}`", sender, "1" if kind is MessageType.NDEATH else "0", "no", content
    state = HostSession(PRIMARY_HOST).will(0)
    online = '`{"online":true,"timestamp":<Unix ms>}`'
    yield f"`{state_topic(PRIMARY_HOST)}`", "cloud", str(state.qos), "yes" if state.retain else "no", online


def _metrics(metrics: Iterable[Metric]) -> str:
    return _table(
        ("metric", "type", "unit", "live deadband"),
        (
            (
                f"`{metric.name}`",
                metric.datatype.name,
                metric.unit or "–",
                f"{metric.deadband:g}" if metric.deadband else "–",
            )
            for metric in metrics
        ),
    )


def _command_table() -> str:
    return _table(
        ("metric", "type", "example"),
        (
            (f"`{metric.name}`", (metric.datatype or DataType.STRING).name, str(metric.value))
            for metric in command_metrics(_COMMAND)
        ),
    )


def _json(metrics: Sequence[MetricValue]) -> str:
    return f"```json\n{metrics[0].value!s}\n```\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

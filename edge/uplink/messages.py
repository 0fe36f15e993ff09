"""Stored records and the state of the devices as Sparkplug messages, in an order that Sparkplug allows."""

from collections.abc import Callable, Mapping

from edge.outbox import StoredRecord
from protocols.cabinet import CabinetReading, DeviceReading
from protocols.clock import Clock, to_unix_ms
from protocols.events import DeviceEvent
from protocols.lamp import LampReading
from protocols.mapping import (
    PlanState,
    device_birth,
    event_metrics,
    gateway_birth,
    plan_state_metrics,
    position_metric,
    reading_metrics,
    result_metrics,
)
from protocols.sparkplug.edge_node import EdgeNodeSession
from protocols.sparkplug.messages import Outgoing


class MessageWriter:
    """Writes for one session; `answering` gives the last reading of every device that answers.

    `plan` gives what is to be said of the plan in force.
    """

    def __init__(
        self,
        session: EdgeNodeSession,
        answering: Callable[[], Mapping[str, DeviceReading]],
        plan: Callable[[], PlanState],
        clock: Clock,
    ) -> None:
        self._session = session
        self._answering = answering
        self._plan = plan
        self._clock = clock

    def births(self, epoch: int) -> list[Outgoing]:
        """NBIRTH, and DBIRTH of all that answers."""
        now_ms = self._now_ms()
        devices = {device_id: device_birth(reading) for device_id, reading in self._answering().items()}
        return self._session.birth(gateway_birth(epoch, now_ms, self._plan()), devices, now_ms)

    def deaths(self) -> list[Outgoing]:
        """DDEATH of all that was born and does not answer any more."""
        messages: list[Outgoing] = []
        for device_id in self._session.live_devices - self._answering().keys():
            messages += self._session.device_death(device_id, self._now_ms())
        return messages

    def plan_state(self) -> list[Outgoing]:
        """Which plan is in force, and what is wrong with one that is not."""
        now_ms, plan = self._now_ms(), self._plan()
        return self._session.node_data(plan_state_metrics(plan.hash, plan.problem, now_ms), now_ms)

    def record(self, stored: StoredRecord, *, is_historical: bool) -> list[Outgoing]:
        """One record; a reading of a device without a birth brings that birth along.

        So does a late reading of a device that has died since: `deaths` puts that right again.
        """
        record = stored.record
        if isinstance(record, LampReading | CabinetReading):
            return self._reading(record, stored.position, is_historical)
        body = (
            event_metrics(record, is_historical=is_historical)
            if isinstance(record, DeviceEvent)
            else result_metrics(record, is_historical=is_historical)
        )
        time_ms = to_unix_ms(record.time)
        position = position_metric(stored.position, time_ms, is_historical=is_historical)
        return self._session.node_data([*body, position], self._now_ms())

    def _reading(self, reading: DeviceReading, position: int, is_historical: bool) -> list[Outgoing]:
        now_ms = self._now_ms()
        messages: list[Outgoing] = []
        device_id = reading.device_id
        if device_id not in self._session.live_devices:
            latest = self._answering().get(device_id, reading)
            messages += self._session.device_birth(device_id, device_birth(latest), now_ms)
        metrics = reading_metrics(reading, is_historical=is_historical)
        metrics.append(position_metric(position, to_unix_ms(reading.time), is_historical=is_historical))
        return messages + self._session.device_data(device_id, metrics, now_ms)

    def _now_ms(self) -> int:
        return to_unix_ms(self._clock.now())

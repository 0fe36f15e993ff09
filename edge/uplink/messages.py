"""Stored records and the state of the devices as Sparkplug messages, in an order that Sparkplug allows."""

from edge.outbox import StoredRecord
from edge.uplink.ports import PlanSink, ResponsiveDevices
from protocols.cabinet import CabinetReading, DeviceReading
from protocols.clock import Clock, to_unix_ms
from protocols.events import DeviceEvent
from protocols.lamp import LampReading
from protocols.mapping import (
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
    """Writes the messages of one session."""

    def __init__(
        self, session: EdgeNodeSession, devices: ResponsiveDevices, plan: PlanSink, clock: Clock
    ) -> None:
        self._session = session
        self._devices = devices
        self._plan = plan
        self._clock = clock

    def births(self, epoch: int) -> list[Outgoing]:
        """Return NBIRTH, and DBIRTH of every device that responds."""
        now_ms, responsive = self._now_ms(), self._devices.last_readings()
        devices = {device_id: device_birth(reading) for device_id, reading in responsive.items()}
        return self._session.birth(gateway_birth(epoch, now_ms, self._plan.state), devices, now_ms)

    def deaths(self) -> list[Outgoing]:
        """Return DDEATH of every device whose birth was sent and that no longer responds."""
        messages: list[Outgoing] = []
        for device_id in self._session.live_devices - self._devices.last_readings().keys():
            messages += self._session.device_death(device_id, self._now_ms())
        return messages

    def plan_state(self) -> list[Outgoing]:
        """Return which plan is in force, and why a newer one was refused."""
        now_ms, plan = self._now_ms(), self._plan.state
        return self._session.node_data(plan_state_metrics(plan.hash, plan.problem, now_ms), now_ms)

    def record(self, stored: StoredRecord, *, is_historical: bool) -> list[Outgoing]:
        """Return the messages of one record; a reading of a device without a birth comes after that birth.

        A late reading of a device that has died since is preceded by a birth too: `deaths` ends that again.

        Raises:
            WrongValue: the record holds a value that Sparkplug cannot carry.
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
            latest = self._devices.last_readings().get(device_id, reading)
            messages += self._session.device_birth(device_id, device_birth(latest), now_ms)
        metrics = reading_metrics(reading, is_historical=is_historical)
        metrics.append(position_metric(position, to_unix_ms(reading.time), is_historical=is_historical))
        return messages + self._session.device_data(device_id, metrics, now_ms)

    def _now_ms(self) -> int:
        return to_unix_ms(self._clock.now())

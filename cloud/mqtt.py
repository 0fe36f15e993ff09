"""The address of the MQTT broker, and clients for it."""

import asyncio
from dataclasses import dataclass, field

import aiomqtt

from cloud.config import CloudConfig


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """The host and port of the broker, and the credentials for it."""

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False


def broker_address(config: CloudConfig) -> BrokerAddress:
    """Return the address of the broker that `config` names."""
    password = config.mqtt_password.get_secret_value() if config.mqtt_password else None
    return BrokerAddress(config.mqtt_host, config.mqtt_port, config.mqtt_username, password, config.mqtt_tls)


def broker_client(
    address: BrokerAddress,
    identifier: str,
    will: aiomqtt.Will | None = None,
    max_queued: int = 10_000,
    queue_type: type[asyncio.Queue[aiomqtt.Message]] | None = None,
) -> aiomqtt.Client:
    """Return a client that connects on entry of its context and drops messages past `max_queued`."""
    return aiomqtt.Client(
        address.host,
        address.port,
        identifier=identifier,
        username=address.username,
        password=address.password,
        tls_params=aiomqtt.TLSParameters() if address.tls else None,
        will=will,
        max_queued_incoming_messages=max_queued,
        queue_type=queue_type,
    )

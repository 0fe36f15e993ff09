"""The demo's broker: mosquitto where it is installed, otherwise amqtt."""

import asyncio
import shutil
import sys
from pathlib import Path

from lentera.demo.processes import ProcessSpec

MOSQUITTO_PLACES = ("mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")


def broker_spec(folder: Path, port: int) -> ProcessSpec:
    """Return how to run a broker on loopback at `port`; writes its configuration into `folder`."""
    mosquitto = next((found for place in MOSQUITTO_PLACES if (found := shutil.which(place))), None)
    if mosquitto is None:
        return ProcessSpec("broker", [sys.executable, "-m", "lentera.demo.broker", str(port)])
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        # A burst of births at the start of 42 gateways is longer than the default queue of 1,000.
        "max_queued_messages 0\nset_tcp_nodelay true\n"
    )
    return ProcessSpec("broker", [mosquitto, "-c", str(config)])


async def serve_embedded(port: int) -> None:
    """Run amqtt on loopback at `port` until cancelled."""
    from amqtt.broker import Broker

    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    try:
        await asyncio.Event().wait()
    finally:
        await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(serve_embedded(int(sys.argv[1])))

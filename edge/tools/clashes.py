"""Settings of several gateways that cannot run in one process."""

from collections.abc import Mapping
from pathlib import Path

from edge.config.line_settings import wire_of
from edge.config.settings import ConfigError, GatewayConfig


def reject_clashes(configs: Mapping[Path, GatewayConfig]) -> None:
    """Refuse gateways that would share an id, an outbox or a wire, or serve two status pages.

    Raises:
        ConfigError: with file, field and value of each clash.
    """
    uses = {
        "gateway.id": [(path, each.gateway.id) for path, each in configs.items()],
        "outbox.path": [(path, str(each.outbox.path)) for path, each in configs.items()],
        "line.port": [(path, line.port) for path, each in configs.items() for line in each.lines],
    }
    problems: list[str] = []
    for field, values in uses.items():
        users: dict[str, Path] = {}
        for path, value in values:
            # One wire may be named by several ports, such as links to the same device.
            user = users.setdefault(wire_of(value) if field == "line.port" else value, path)
            if user != path:
                problems.append(f"{path}: {field} {value!r} is also used by {user}, expected another")
    addresses = {path: config.status for path, config in configs.items() if config.status is not None}
    first = next(iter(addresses.items()), None)
    if first is not None:
        problems += [
            f"{path}: status is {status.host}:{status.port}, expected {first[1].host}:{first[1].port}"
            f" as in {first[0]}: one process serves one status page"
            for path, status in addresses.items()
            if status != first[1]
        ]
    if problems:
        raise ConfigError(problems)

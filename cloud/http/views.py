"""The base of every answer and live event."""

import msgspec


class View(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of what is sent: camelCase, times as ISO 8601 in UTC with Z."""

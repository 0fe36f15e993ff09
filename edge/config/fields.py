"""What all settings have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[^+/#\s][^+/#]*$", max_length=64)]
"""An MQTT topic level: `+`, `/` and `#` have a meaning there."""


class Settings(BaseModel):
    """Immutable, and without fields that nobody reads: a misspelt one is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

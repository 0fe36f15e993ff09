"""What all settings have in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[^+/#\s][^+/#]*$", max_length=64)]
"""An MQTT topic level: `+`, `/` and `#` have a meaning there."""


class Settings(BaseModel):
    """A section of the settings: immutable, and an unknown field is an error, for it may be misspelt."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

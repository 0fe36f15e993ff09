"""What all settings have in common."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from protocols.identifiers import checked_identifier

Identifier = Annotated[str, AfterValidator(checked_identifier)]


class Settings(BaseModel):
    """A section of the settings: immutable, and an unknown field is an error, for it may be misspelt."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

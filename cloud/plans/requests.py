"""What requests about groups and assignments hold."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from cloud.http.parameters import Identifier, Text
from cloud.plans.model import Assignment, Scope

_MOST_LAMPS = 50_000
_MOST_ASSIGNMENTS = 50_000


class GroupRequest(BaseModel):
    """A group's name and its lamps."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)

    name: Text = Field(default="", max_length=200)
    lamp_ids: Annotated[list[Identifier], Field(max_length=_MOST_LAMPS)]


class AssignmentItem(BaseModel):
    """A calendar for a lamp, a group, an area or all lamps; `id` is null where the scope is `all`."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    scope: Scope
    id: Identifier | None = None
    calendar_id: Identifier


class AssignmentsRequest(BaseModel):
    """All assignments; of several groups that a lamp is in, the first in the list counts."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[AssignmentItem], Field(max_length=_MOST_ASSIGNMENTS)]

    def assignments(self) -> tuple[Assignment, ...]:
        """Return the assignments as the plan holds them."""
        return tuple(Assignment(item.scope, item.id, item.calendar_id) for item in self.items)

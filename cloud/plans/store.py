"""The desired lighting plan in the relational store: programs, calendars, groups, assignments, revision."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.database import Base, Row, insert_new, table_of, upsert, writing
from cloud.plans.model import Assignment, DesiredPlan, LampGroup, Scope
from protocols.lighting import talq
from protocols.lighting.talq_calendar import TalqCalendar, calendar_from, talq_calendar

_IDENTIFIER = sa.String(64)
_ONLY = 1


class PlanRevisionRow(Base):
    """One row, which every change of the plan or of the lamps it is for counts up."""

    __tablename__ = "plan_revision"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(sa.BigInteger)


class ProgramRow(Base):
    """A lighting program as its TALQ document."""

    __tablename__ = "programs"

    id: Mapped[str] = mapped_column(_IDENTIFIER, primary_key=True)
    document: Mapped[str] = mapped_column(sa.Text)


class CalendarRow(Base):
    """A calendar as its TALQ document."""

    __tablename__ = "calendars"

    id: Mapped[str] = mapped_column(_IDENTIFIER, primary_key=True)
    document: Mapped[str] = mapped_column(sa.Text)


class LampGroupRow(Base):
    """A group of lamps."""

    __tablename__ = "lamp_groups"

    id: Mapped[str] = mapped_column(_IDENTIFIER, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))


class LampGroupMemberRow(Base):
    """A lamp of a group; it leaves the group when it leaves the inventory."""

    __tablename__ = "lamp_group_members"

    group_id: Mapped[str] = mapped_column(sa.ForeignKey("lamp_groups.id"), primary_key=True)
    lamp_id: Mapped[str] = mapped_column(
        sa.ForeignKey("lamps.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class AssignmentRow(Base):
    """Which calendar a lamp, a group, an area or, where all three are NULL, everything follows.

    `position` is the place in the list. Lamps and areas that leave the inventory lose their assignments.
    """

    __tablename__ = "assignments"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lamp_id: Mapped[str | None] = mapped_column(sa.ForeignKey("lamps.id", ondelete="CASCADE"), index=True)
    group_id: Mapped[str | None] = mapped_column(sa.ForeignKey("lamp_groups.id"), index=True)
    area_id: Mapped[str | None] = mapped_column(sa.ForeignKey("areas.id", ondelete="CASCADE"), index=True)
    calendar_id: Mapped[str] = mapped_column(_IDENTIFIER)


class PlanChangedError(Exception):
    """Transient: the plan, or the lamps it is for, was changed since it was read."""


class PlanUnreadableError(Exception):
    """Permanent: what is stored is no plan, which no code of ours writes; names the row."""


class PlanStore:
    """The desired plan as a whole: read at one revision, written only where it is still at that revision."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def revision(self) -> int:
        """Return a number that is another one after every change."""
        with self._engine.connect() as connection:
            return connection.scalar(_REVISION) or 0

    def load(self) -> DesiredPlan:
        """Return the desired plan; it is consistent when the revision is the same before and after.

        Raises:
            PlanUnreadableError: a stored document is no program or calendar.
        """
        with self._engine.connect() as connection:
            programs = connection.execute(sa.select(table_of(ProgramRow))).all()
            calendars = connection.execute(sa.select(table_of(CalendarRow))).all()
            groups, assignments = _groups(connection), _assignments(connection)
        try:
            return DesiredPlan(
                {row.id: talq.decode(row.document.encode(), f"program {row.id}") for row in programs},
                {
                    row.id: calendar_from(
                        msgspec.json.decode(row.document, type=TalqCalendar), f"calendar {row.id}"
                    )
                    for row in calendars
                },
                groups,
                assignments,
            )
        except ValueError as error:
            raise PlanUnreadableError(str(error)) from error

    def save(self, before: DesiredPlan, after: DesiredPlan, revision: int) -> None:
        """Change `before`, as it was at `revision`, into `after`, in one transaction.

        Raises:
            PlanChangedError: the plan is no longer at `revision`.
        """
        with writing(self._engine) as connection:
            touch_plan(connection)  # first: on PostgreSQL its row lock lets one writer at a time go on
            if connection.scalar(_REVISION) != revision + 1:
                raise PlanChangedError
            reassigned = before.assignments != after.assignments
            if reassigned:
                connection.execute(sa.delete(AssignmentRow))
            changes = [
                (table, old, new) for (table, old), (_, new) in zip(_rows(before), _rows(after), strict=True)
            ]
            for table, old, new in reversed(changes):
                _delete(connection, table, [old[key] for key in old if key not in new])
            for table, old, new in changes:
                upsert(connection, table, [row for key, row in new.items() if old.get(key) != row])
            if reassigned and after.assignments:
                connection.execute(sa.insert(AssignmentRow), _assignment_rows(after.assignments))


def touch_plan(connection: sa.Connection) -> None:
    """Count up the revision in the caller's transaction: plans read before are out of date."""
    insert_new(connection, table_of(PlanRevisionRow), [{"id": _ONLY, "revision": 0}])
    connection.execute(sa.update(PlanRevisionRow).values(revision=PlanRevisionRow.revision + 1))


def _delete(connection: sa.Connection, table: sa.Table, rows: list[Row]) -> None:
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    one = sa.and_(*(table.c[key] == sa.bindparam(f"old_{key}") for key in keys))
    connection.execute(
        sa.delete(table).where(one), [{f"old_{key}": row[key] for key in keys} for row in rows]
    )


def _groups(connection: sa.Connection) -> dict[str, LampGroup]:
    members = table_of(LampGroupMemberRow)
    lamp_ids: dict[str, list[str]] = defaultdict(list)
    for row in connection.execute(sa.select(members)):
        lamp_ids[row.group_id].append(row.lamp_id)
    groups = connection.execute(sa.select(table_of(LampGroupRow)))
    return {row.id: LampGroup(row.id, row.name, tuple(sorted(lamp_ids[row.id]))) for row in groups}


def _assignments(connection: sa.Connection) -> tuple[Assignment, ...]:
    table = table_of(AssignmentRow)
    assignments: list[Assignment] = []
    for row in connection.execute(sa.select(table).order_by(table.c.position)):
        # At most one of the three columns is set; with none the assignment is for all lamps.
        scope, target_id = next(
            ((scope, value) for scope, name in _COLUMNS.items() if (value := getattr(row, name)) is not None),
            (Scope.ALL, None),
        )
        assignments.append(Assignment(scope, target_id, row.calendar_id))
    return tuple(assignments)


def _assignment_rows(assignments: Iterable[Assignment]) -> list[Row]:
    return [
        {
            "position": position,
            **{name: each.target_id if each.scope is scope else None for scope, name in _COLUMNS.items()},
            "calendar_id": each.calendar_id,
        }
        for position, each in enumerate(assignments)
    ]


def _rows(desired: DesiredPlan) -> list[tuple[sa.Table, dict[object, Row]]]:
    """Return the rows of a plan by key, by table; what a row refers to is in a table before its own."""
    groups = desired.groups.values()
    return [
        (
            table_of(ProgramRow),
            {
                one.id: {"id": one.id, "document": talq.encode(one).decode()}
                for one in desired.programs.values()
            },
        ),
        (
            table_of(CalendarRow),
            {
                one.id: {"id": one.id, "document": msgspec.json.encode(talq_calendar(one)).decode()}
                for one in desired.calendars.values()
            },
        ),
        (table_of(LampGroupRow), {one.id: {"id": one.id, "name": one.name} for one in groups}),
        (
            table_of(LampGroupMemberRow),
            {
                (one.id, lamp_id): {"group_id": one.id, "lamp_id": lamp_id}
                for one in groups
                for lamp_id in one.lamp_ids
            },
        ),
    ]


_REVISION = sa.select(PlanRevisionRow.revision)
_COLUMNS = {Scope.LAMP: "lamp_id", Scope.GROUP: "group_id", Scope.AREA: "area_id"}

"""Commands, their results per lamp, and the override in force on each lamp."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cloud.commands.model import Command, LampResult, StoredOverride
from cloud.database import Base, Row, table_of, upsert, writing
from protocols.clock import from_unix_ms, to_unix_ms
from protocols.lamp import CommandResult, CommandStatus


class CommandRow(Base):
    """A command as it was requested."""

    __tablename__ = "commands"

    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    level: Mapped[int | None]
    created_ms: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    deadline_ms: Mapped[int] = mapped_column(sa.BigInteger)
    expiration_ms: Mapped[int | None] = mapped_column(sa.BigInteger)
    requested_by: Mapped[str] = mapped_column(sa.String(64))
    note: Mapped[str] = mapped_column(sa.String(500))


class CommandResultRow(Base):
    """What is known of a command on one device."""

    __tablename__ = "command_results"

    command_id: Mapped[str] = mapped_column(
        sa.ForeignKey("commands.id", ondelete="CASCADE"), primary_key=True
    )
    device_id: Mapped[str] = mapped_column(sa.String(64), primary_key=True, index=True)
    status: Mapped[str] = mapped_column(sa.String(16))
    level: Mapped[int | None]
    detail: Mapped[str] = mapped_column(sa.Text)
    time_ms: Mapped[int | None] = mapped_column(sa.BigInteger)


class OverrideRow(Base):
    """The newest override a device has confirmed; a level of None means that it was ended."""

    __tablename__ = "overrides"

    device_id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    command_id: Mapped[str] = mapped_column(sa.ForeignKey("commands.id", ondelete="CASCADE"), index=True)


class CommandStore:
    """Commands and their results."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, command: Command, lamp_ids: Sequence[str]) -> None:
        """Store a command as pending on every lamp of `lamp_ids`."""
        with writing(self._engine) as connection:
            connection.execute(sa.insert(CommandRow), [_command_row(command)])
            connection.execute(
                sa.insert(CommandResultRow), [_pending_row(command.id, lamp_id) for lamp_id in lamp_ids]
            )

    def command(self, command_id: str) -> tuple[Command, list[LampResult]] | None:
        """Return a command and its results, sorted by lamp."""
        with self._engine.connect() as connection:
            return commands_of(connection, [command_id]).get(command_id)

    def fail_pending(self, command_id: str, detail: str, time: datetime) -> None:
        """Mark the results of a command that are still pending as failed."""
        results = table_of(CommandResultRow)
        pending = sa.and_(results.c.command_id == command_id, results.c.status == CommandStatus.PENDING.value)
        failed = {"status": CommandStatus.FAILED.value, "detail": detail, "time_ms": to_unix_ms(time)}
        with writing(self._engine) as connection:
            connection.execute(sa.update(results).where(pending).values(failed))


def record_results(connection: sa.Connection, results: Sequence[CommandResult]) -> set[str]:
    """Store results from gateways, in the caller's transaction; return the ids of the commands concerned.

    The same result twice changes nothing. A gateway that died before it had recorded its first result sends
    several for one command: the first counts, and a confirmation before any other. Results of commands that
    are not stored here, such as one that another program sent straight to the broker, are left out.
    """
    command_ids = {result.command_id for result in results}
    query = sa.select(CommandRow.id, CommandRow.created_ms).where(CommandRow.id.in_(command_ids))
    known = {row.id: row.created_ms for row in connection.execute(query)}
    relevant = [result for result in results if result.command_id in known]
    if not relevant:
        return set()
    table = table_of(CommandResultRow)
    upsert(connection, table, [_result_row(result) for result in _preferred(connection, relevant)])
    _move_overrides(connection, [r for r in relevant if r.status is CommandStatus.CONFIRMED], known)
    return set(known)


def commands_of(
    connection: sa.Connection, command_ids: Sequence[str]
) -> dict[str, tuple[Command, list[LampResult]]]:
    """Return commands with their results, by id; results are sorted by lamp."""
    table, results = table_of(CommandRow), table_of(CommandResultRow)
    found: dict[str, tuple[Command, list[LampResult]]] = {}
    for row in connection.execute(sa.select(table).where(table.c.id.in_(command_ids))):
        found[row.id] = (_command(row), [])
    query = sa.select(results).where(results.c.command_id.in_(command_ids)).order_by(results.c.device_id)
    for row in connection.execute(query):
        found[row.command_id][1].append(_lamp_result(row))
    return found


def overrides_in_force(
    connection: sa.Connection, lamp_ids: Sequence[str] | None, now_ms: int
) -> dict[str, StoredOverride]:
    """Return the overrides in force at `now_ms` by lamp; of these lamps, or of all."""
    query = (
        sa.select(
            OverrideRow.device_id,
            OverrideRow.command_id,
            CommandRow.level,
            CommandRow.expiration_ms,
            CommandRow.note,
            CommandRow.requested_by,
        )
        .join(CommandRow, CommandRow.id == OverrideRow.command_id)
        .where(CommandRow.level.is_not(None))
        .where(sa.or_(CommandRow.expiration_ms.is_(None), CommandRow.expiration_ms > now_ms))
    )
    if lamp_ids is not None:
        query = query.where(OverrideRow.device_id.in_(lamp_ids))
    return {row.device_id: StoredOverride(*row) for row in connection.execute(query)}


def _move_overrides(
    connection: sa.Connection, confirmed: Sequence[CommandResult], created_ms: Mapping[str, int]
) -> None:
    lamp_ids = {result.device_id for result in confirmed}
    current = sa.select(OverrideRow.device_id, CommandRow.created_ms).join(
        CommandRow, CommandRow.id == OverrideRow.command_id
    )
    rows_now = connection.execute(current.where(OverrideRow.device_id.in_(lamp_ids)))
    newest = {row.device_id: row.created_ms for row in rows_now}
    rows: dict[str, Row] = {}
    for result in sorted(confirmed, key=lambda result: created_ms[result.command_id]):
        if created_ms[result.command_id] >= newest.get(result.device_id, 0):
            rows[result.device_id] = {"device_id": result.device_id, "command_id": result.command_id}
    upsert(connection, table_of(OverrideRow), list(rows.values()))


def _preferred(connection: sa.Connection, results: Sequence[CommandResult]) -> list[CommandResult]:
    """Choose one result for each lamp and command, where no better one is stored."""
    table = table_of(CommandResultRow)
    query = sa.select(table.c.command_id, table.c.device_id, table.c.status)
    rows = connection.execute(query.where(table.c.command_id.in_({each.command_id for each in results})))
    present = {(row.command_id, row.device_id): CommandStatus(row.status) for row in rows}
    first: dict[tuple[str, str], CommandResult] = {}
    for result in sorted(results, key=lambda each: (each.status is not CommandStatus.CONFIRMED, each.time)):
        first.setdefault((result.command_id, result.device_id), result)
    return [
        result
        for key, result in first.items()
        if present.get(key, CommandStatus.PENDING) is CommandStatus.PENDING
        or (result.status is CommandStatus.CONFIRMED and present[key] is not CommandStatus.CONFIRMED)
    ]


def _command_row(command: Command) -> Row:
    expiration = command.expiration
    return {
        "id": command.id,
        "level": command.level_percent,
        "created_ms": to_unix_ms(command.created),
        "deadline_ms": to_unix_ms(command.deadline),
        "expiration_ms": None if expiration is None else to_unix_ms(expiration),
        "requested_by": command.requested_by,
        "note": command.note,
    }


def _command(row: sa.Row[*tuple[Any, ...]]) -> Command:
    expiration_ms = row.expiration_ms
    return Command(
        id=row.id,
        level_percent=row.level,
        created=from_unix_ms(row.created_ms),
        deadline=from_unix_ms(row.deadline_ms),
        expiration=None if expiration_ms is None else from_unix_ms(expiration_ms),
        requested_by=row.requested_by,
        note=row.note,
    )


def _pending_row(command_id: str, lamp_id: str) -> Row:
    return {
        "command_id": command_id,
        "device_id": lamp_id,
        "status": CommandStatus.PENDING.value,
        "level": None,
        "detail": "",
        "time_ms": None,
    }


def _result_row(result: CommandResult) -> Row:
    return {
        "command_id": result.command_id,
        "device_id": result.device_id,
        "status": result.status.value,
        "level": result.level_percent,
        "detail": result.detail,
        "time_ms": to_unix_ms(result.time),
    }


def _lamp_result(row: sa.Row[*tuple[Any, ...]]) -> LampResult:
    time_ms = row.time_ms
    return LampResult(
        lamp_id=row.device_id,
        status=CommandStatus(row.status),
        level_percent=row.level,
        detail=row.detail,
        time=None if time_ms is None else from_unix_ms(time_ms),
    )

"""The initial schema, one function per concern."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(64)
_NAME = sa.String(200)

# In an order in which every table can be dropped before those it refers to.
_TABLES = (
    "dead_letters",
    "alarms",
    "events",
    "lamp_states",
    "cabinet_states",
    "gateway_states",
    "overrides",
    "command_results",
    "commands",
    "assignments",
    "lamp_group_members",
    "lamp_groups",
    "calendars",
    "programs",
    "plan_revision",
    "cabinets",
    "lamps",
    "roads",
    "gateways",
    "areas",
    "sessions",
    "api_tokens",
    "one_time_logins",
    "users",
)


def upgrade() -> None:
    """Create every table."""
    _create_access()
    _create_inventory()
    _create_plans()
    _create_commands()
    _create_states()
    _create_alarms()
    _create_dead_letters()


def downgrade() -> None:
    """Drop every table."""
    for table in _TABLES:
        op.drop_table(table)


def _create_access() -> None:
    op.create_table(
        "users",
        _column("username", _ID, primary_key=True),
        _column("role", sa.String(16)),
        _column("password_hash", sa.String(255), nullable=True),
        _column("created_ms", sa.BigInteger()),
    )
    op.create_table(
        "sessions",
        _column("digest", _ID, primary_key=True),
        _reference("username", "users.username", on_delete="CASCADE", index=True),
        _column("expires_ms", sa.BigInteger(), index=True),
    )
    op.create_table(
        "api_tokens",
        _column("digest", _ID, primary_key=True),
        _reference("username", "users.username", on_delete="CASCADE", index=True),
        _column("created_ms", sa.BigInteger()),
        _column("expires_ms", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "one_time_logins",
        _column("digest", _ID, primary_key=True),
        _reference("username", "users.username", on_delete="CASCADE", index=True),
        _column("created_ms", sa.BigInteger()),
        _column("expires_ms", sa.BigInteger()),
    )


def _create_inventory() -> None:
    op.create_table(
        "areas",
        _column("id", _ID, primary_key=True),
        _column("name", _NAME),
        *_place(),
    )
    op.create_table(
        "gateways",
        _column("id", _ID, primary_key=True),
        _reference("area_id", "areas.id", index=True),
        *_place(),
        _column("time_zone", sa.String(64)),
    )
    op.create_table(
        "roads",
        _column("id", sa.Integer(), primary_key=True, autoincrement=True),
        _column("name", _NAME),
        _reference("area_id", "areas.id", index=True),
        _column("points", sa.Text()),
    )
    op.create_table(
        "lamps",
        _column("id", _ID, primary_key=True),
        _reference("area_id", "areas.id", index=True),
        _reference("gateway_id", "gateways.id", index=True),
        _column("line", sa.Integer()),
        _column("unit", sa.Integer()),
        *_place(),
        _column("road", _NAME),
        _column("rated_power_w", sa.Double()),
        _column("profile", sa.String(64)),
    )
    op.create_table(
        "cabinets",
        _column("id", _ID, primary_key=True),
        _reference("gateway_id", "gateways.id", index=True),
        _column("line", sa.Integer()),
        _column("unit", sa.Integer()),
        _column("contacts_unit", sa.Integer(), nullable=True),
        _column("profile", sa.String(64)),
        _column("contacts_profile", sa.String(64)),
    )


def _create_plans() -> None:
    op.create_table(
        "plan_revision",
        _column("id", sa.Integer(), primary_key=True, autoincrement=False),
        _column("revision", sa.BigInteger()),
    )
    for table in ("programs", "calendars"):
        op.create_table(table, _column("id", _ID, primary_key=True), _column("document", sa.Text()))
    op.create_table("lamp_groups", _column("id", _ID, primary_key=True), _column("name", _NAME))
    op.create_table(
        "lamp_group_members",
        _reference("group_id", "lamp_groups.id", primary_key=True),
        _reference("lamp_id", "lamps.id", on_delete="CASCADE", primary_key=True, index=True),
    )
    op.create_table(
        "assignments",
        _column("position", sa.Integer(), primary_key=True, autoincrement=False),
        _reference("lamp_id", "lamps.id", on_delete="CASCADE", index=True, nullable=True),
        _reference("group_id", "lamp_groups.id", index=True, nullable=True),
        _reference("area_id", "areas.id", on_delete="CASCADE", index=True, nullable=True),
        _column("calendar_id", _ID),
    )


def _create_commands() -> None:
    op.create_table(
        "commands",
        _column("id", _ID, primary_key=True),
        _column("level", sa.Integer(), nullable=True),
        _column("created_ms", sa.BigInteger(), index=True),
        _column("deadline_ms", sa.BigInteger()),
        _column("expiration_ms", sa.BigInteger(), nullable=True),
        _column("requested_by", sa.String(64)),
        _column("note", sa.String(500)),
    )
    op.create_table(
        "command_results",
        _reference("command_id", "commands.id", on_delete="CASCADE", primary_key=True),
        _column("device_id", _ID, primary_key=True, index=True),
        _column("status", sa.String(16)),
        _column("level", sa.Integer(), nullable=True),
        _column("detail", sa.Text()),
        _column("time_ms", sa.BigInteger(), nullable=True),
    )
    op.create_table(
        "overrides",
        _column("device_id", _ID, primary_key=True),
        _reference("command_id", "commands.id", on_delete="CASCADE", index=True),
    )


def _create_states() -> None:
    op.create_table(
        "lamp_states",
        _column("lamp_id", sa.String(), primary_key=True),
        _column("gateway_id", sa.String(), index=True),
        _column("online", sa.Boolean()),
        _column("time_ms", sa.BigInteger()),
        _column("target_level_percent", sa.Integer(), nullable=True),
        _column("feedback_level_percent", sa.Integer(), nullable=True),
        _column("reason", sa.String(), nullable=True),
        _column("actual_level_percent", sa.Double(), nullable=True),
        _column("supply_voltage_v", sa.Double(), nullable=True),
        _column("supply_current_a", sa.Double(), nullable=True),
        _column("active_power_w", sa.Double(), nullable=True),
        _column("power_factor", sa.Double(), nullable=True),
        _column("temperature_c", sa.Double(), nullable=True),
        _column("active_energy_kwh", sa.Double(), nullable=True),
        _column("operating_hours_h", sa.Double(), nullable=True),
        _column("switch_on_counter", sa.BigInteger(), nullable=True),
        _column("lamp_failure", sa.Boolean(), nullable=True),
        _column("control_gear_failure", sa.Boolean(), nullable=True),
    )
    op.create_table(
        "cabinet_states",
        _column("cabinet_id", sa.String(), primary_key=True),
        _column("gateway_id", sa.String(), index=True),
        _column("online", sa.Boolean()),
        _column("time_ms", sa.BigInteger()),
        _column("reading", sa.String()),
    )
    op.create_table(
        "gateway_states",
        _column("gateway_id", sa.String(), primary_key=True),
        _column("area_id", sa.String()),
        _column("online", sa.Boolean()),
        _column("since_ms", sa.BigInteger()),
        _column("epoch", sa.BigInteger(), nullable=True),
        _column("plan_hash", sa.String(), nullable=True),
        _column("plan_problem", sa.String(), nullable=True),
    )


def _create_alarms() -> None:
    big_serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up INTEGER keys only
    op.create_table(
        "alarms",
        _column("id", big_serial, primary_key=True, autoincrement=True),
        _column("device_id", sa.String()),
        _column("lamp_id", sa.String(), nullable=True),
        _column("gateway_id", sa.String()),
        _column("area_id", sa.String()),
        _column("type", sa.String()),
        _column("severity", sa.String()),
        _column("raised_ms", sa.BigInteger()),
        _column("cleared_ms", sa.BigInteger(), nullable=True),
        _column("acknowledged_ms", sa.BigInteger(), nullable=True),
        _column("acknowledged_by", sa.String(), nullable=True),
        _column("info", sa.String()),
    )
    op.create_index("ix_alarms_area_id_id", "alarms", ["area_id", "id"])
    is_open = sa.text("cleared_ms IS NULL")
    op.create_index(
        "uq_alarms_open",
        "alarms",
        ["device_id", "type"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "events",
        _column("gateway_id", sa.String(), primary_key=True),
        _column("epoch", sa.BigInteger(), primary_key=True, autoincrement=False),
        _column("position", sa.BigInteger(), primary_key=True, autoincrement=False),
        _column("device_id", sa.String()),
        _column("type", sa.String()),
        _column("time_ms", sa.BigInteger()),
        _column("active", sa.Boolean()),
        _column("info", sa.String()),
    )
    op.create_index("ix_events_device_id_type_time_ms", "events", ["device_id", "type", "time_ms"])


def _create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        _column("digest", _ID, primary_key=True),
        _column("received_ms", sa.BigInteger(), index=True),
        _column("kind", sa.String()),
        _column("gateway_id", sa.String()),
        _column("device_id", sa.String()),
        _column("error", sa.String()),
        _column("record", sa.String()),
    )


def _column(
    name: str,
    kind: sa.types.TypeEngine[Any],
    *,
    nullable: bool = False,
    primary_key: bool = False,
    index: bool = False,
    autoincrement: bool | Literal["auto"] = "auto",
) -> sa.Column[Any]:
    return sa.Column(
        name, kind, nullable=nullable, primary_key=primary_key, index=index, autoincrement=autoincrement
    )


def _reference(
    name: str,
    to: str,
    *,
    on_delete: str | None = None,
    nullable: bool = False,
    primary_key: bool = False,
    index: bool = False,
) -> sa.Column[Any]:
    target = sa.ForeignKey(to, ondelete=on_delete)
    return sa.Column(name, _ID, target, nullable=nullable, primary_key=primary_key, index=index)


def _place() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return _column("latitude", sa.Double()), _column("longitude", sa.Double())

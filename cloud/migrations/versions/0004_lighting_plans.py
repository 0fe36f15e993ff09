"""The wanted lighting plan, and what gateways say of theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "plan_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_revision")),
    )
    for table in ("programs", "calendars"):
        op.create_table(
            table,
            sa.Column("id", sa.String(length=64), nullable=False),
            sa.Column("document", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        )
    op.create_table(
        "lamp_groups",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lamp_groups")),
    )
    op.create_table(
        "lamp_group_members",
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("lamp_id", sa.String(length=64), nullable=False),
        _reference("lamp_group_members", "group_id", "lamp_groups", None),
        _reference("lamp_group_members", "lamp_id", "lamps", "CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "lamp_id", name=op.f("pk_lamp_group_members")),
    )
    op.create_index(op.f("ix_lamp_group_members_lamp_id"), "lamp_group_members", ["lamp_id"])
    op.create_table(
        "assignments",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lamp_id", sa.String(length=64), nullable=True),
        sa.Column("group_id", sa.String(length=64), nullable=True),
        sa.Column("area_id", sa.String(length=64), nullable=True),
        sa.Column("calendar_id", sa.String(length=64), nullable=False),
        _reference("assignments", "lamp_id", "lamps", "CASCADE"),
        _reference("assignments", "group_id", "lamp_groups", None),
        _reference("assignments", "area_id", "areas", "CASCADE"),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_assignments")),
    )
    for column in ("lamp_id", "group_id", "area_id"):
        op.create_index(op.f(f"ix_assignments_{column}"), "assignments", [column])
    op.add_column("gateway_states", sa.Column("plan_hash", sa.String(), nullable=True))
    op.add_column("gateway_states", sa.Column("plan_problem", sa.String(), nullable=True))


def downgrade() -> None:
    """Undo this step."""
    with op.batch_alter_table("gateway_states") as states:
        states.drop_column("plan_problem")
        states.drop_column("plan_hash")
    for table in (
        "assignments",
        "lamp_group_members",
        "lamp_groups",
        "calendars",
        "programs",
        "plan_revision",
    ):
        op.drop_table(table)


def _reference(table: str, column: str, to: str, on_delete: str | None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete=on_delete)

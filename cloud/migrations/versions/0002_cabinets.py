"""Cabinets: what there is, and how each stands."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "cabinet_states",
        sa.Column("cabinet_id", sa.String(), nullable=False),
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("time_ms", sa.BigInteger(), nullable=False),
        sa.Column("reading", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("cabinet_id", name=op.f("pk_cabinet_states")),
    )
    with op.batch_alter_table("cabinet_states", schema=None) as batch_op:
        batch_op.create_index("ix_cabinet_states_gateway_id", ["gateway_id"], unique=False)

    op.create_table(
        "cabinets",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("gateway_id", sa.String(length=64), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Integer(), nullable=False),
        sa.Column("contacts_unit", sa.Integer(), nullable=True),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("contacts_profile", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["gateway_id"], ["gateways.id"], name=op.f("fk_cabinets_gateway_id_gateways")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cabinets")),
    )
    with op.batch_alter_table("cabinets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cabinets_gateway_id"), ["gateway_id"], unique=False)


def downgrade() -> None:
    """Undo this step."""
    with op.batch_alter_table("cabinets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cabinets_gateway_id"))

    op.drop_table("cabinets")
    with op.batch_alter_table("cabinet_states", schema=None) as batch_op:
        batch_op.drop_index("ix_cabinet_states_gateway_id")

    op.drop_table("cabinet_states")

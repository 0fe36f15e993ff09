"""Records of any kind that are kept aside."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "rejected_records",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_rejected_records")),
    )
    op.create_index(op.f("ix_rejected_records_received_ms"), "rejected_records", ["received_ms"])


def downgrade() -> None:
    """Undo this step."""
    op.drop_index(op.f("ix_rejected_records_received_ms"), "rejected_records")
    op.drop_table("rejected_records")

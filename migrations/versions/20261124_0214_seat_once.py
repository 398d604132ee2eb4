"""The mark of a desk's form, so that a double tap is one person"""

import sqlalchemy as sa
from alembic import op

revision = '04aaab8d47a2'
down_revision = '4415db788986'
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column('seat', sa.Column('once', sa.String(length=40), nullable=True))
    op.create_index('ix_seat_once', 'seat', ['community_id', 'meeting_id', 'once'], unique=True)


def downgrade() -> None:
    op.drop_index('ix_seat_once', 'seat')
    op.drop_column('seat', 'once')

"""The mark of a designer's form, so that a double tap is one revision"""

import sqlalchemy as sa
from alembic import op

revision = '4b14c7baca70'
down_revision = '04aaab8d47a2'
branch_labels = depends_on = None

NAME, TABLE = 'ix_proposal_revision_once', 'proposal_revision'


def upgrade() -> None:
    op.add_column(TABLE, sa.Column('once', sa.String(length=40), nullable=True))
    op.create_index(NAME, TABLE, ['community_id', 'proposal_id', 'once'], unique=True)


def downgrade() -> None:
    op.drop_index(NAME, TABLE)
    op.drop_column(TABLE, 'once')

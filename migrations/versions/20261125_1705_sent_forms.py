"""The marks of forms that have changed something: one sent again is answered as the first time"""

import sqlalchemy as sa
from alembic import op

revision = 'b0c7d21f64a8'
down_revision = 'e3b85d71c042'
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        'sent_form',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('mark', sa.String(length=64), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_sent_form'),
        sa.UniqueConstraint('mark', name='uq_sent_form_mark'),
    )


def downgrade() -> None:
    op.drop_table('sent_form')

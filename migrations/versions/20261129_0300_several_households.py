"""Several households for one person, ages, corrections of the roll, and changes of owner"""

import sqlalchemy as sa
from alembic import op

revision = '5b0d9e37c6a1'
down_revision = 'e2a6b94d1c58'
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column(
        'person', sa.Column('minor_declared_at', sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column('membership', sa.Column('chosen_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        'membership', sa.Column('age_confirmed_at', sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    op.drop_column('membership', 'age_confirmed_at')
    op.drop_column('membership', 'chosen_at')
    op.drop_column('person', 'minor_declared_at')

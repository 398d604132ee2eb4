"""When a version of the convention was opened for opinions"""

import sqlalchemy as sa
from alembic import op

revision = '4415db788986'
down_revision = '5c5be6bd8b44'
branch_labels = depends_on = None


def upgrade() -> None:
    # In place: to copy the table would take it away from the articles and pledges that name it.
    op.add_column('convention', sa.Column('consulted_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('convention', 'consulted_at')

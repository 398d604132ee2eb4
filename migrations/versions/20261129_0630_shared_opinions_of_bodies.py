"""What was said in a body's name on topics that communities share"""

import sqlalchemy as sa
from alembic import op

revision = '3e7a51c9d084'
down_revision = '5b0d9e37c6a1'
branch_labels = depends_on = None

OF_BODY = ['community_id', 'body_id'], ['community_id', 'id']


def upgrade() -> None:
    with op.batch_alter_table('shared_opinion') as table:
        table.add_column(sa.Column('body_id', sa.Integer(), nullable=True))
        table.create_foreign_key('fk_shared_opinion_body', 'body', *OF_BODY)


def downgrade() -> None:
    with op.batch_alter_table('shared_opinion') as table:
        table.drop_constraint('fk_shared_opinion_body', type_='foreignkey')
        table.drop_column('body_id')

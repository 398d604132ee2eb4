"""Opinions on shared topics can be hidden, and their authors can appeal to the place above"""

import sqlalchemy as sa
from alembic import op

revision = 'b1f4c7a92e35'
down_revision = 'e2a6b94d1c58'
branch_labels = depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('shared_opinion') as table:
        table.add_column(sa.Column('moderated_by', sa.Integer(), nullable=True))
        table.add_column(sa.Column('appeal', sa.Text(), nullable=False, server_default=''))
        table.add_column(sa.Column('appealed_at', sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column('appeal_answer', sa.Text(), nullable=False, server_default=''))
        table.add_column(sa.Column('appeal_answered_at', sa.DateTime(timezone=True), nullable=True))
        table.create_foreign_key(
            'fk_shared_opinion_moderated_by_person', 'person', ['moderated_by'], ['id']
        )


def downgrade() -> None:
    with op.batch_alter_table('shared_opinion') as table:
        table.drop_constraint('fk_shared_opinion_moderated_by_person', type_='foreignkey')
        for name in (
            'appeal_answered_at', 'appeal_answer', 'appealed_at', 'appeal', 'moderated_by'
        ):
            table.drop_column(name)

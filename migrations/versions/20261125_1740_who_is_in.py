"""How each member came in, who does not know them, why they left, and when a household moved"""

import sqlalchemy as sa
from alembic import op

revision = 'a41f6c0d9b37'
down_revision = 'b0c7d21f64a8'
branch_labels = depends_on = None

BY = 'fk_membership_contested_by_person'
OPEN = sa.text('contested_at IS NOT NULL AND ended_at IS NULL')


def upgrade() -> None:
    # How those came in who are in already was not kept: an empty word says so.
    with op.batch_alter_table('membership') as table:
        table.add_column(
            sa.Column('joined_by', sa.String(length=10), nullable=False, server_default='')
        )
        table.add_column(sa.Column('contested_at', sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column('contested_by', sa.Integer(), nullable=True))
        table.add_column(
            sa.Column('ended_why', sa.String(length=10), nullable=False, server_default='')
        )
        table.create_foreign_key(BY, 'person', ['contested_by'], ['id'])
    with op.batch_alter_table('membership') as table:
        table.alter_column('joined_by', existing_type=sa.String(length=10), server_default=None)
        table.alter_column('ended_why', existing_type=sa.String(length=10), server_default=None)
    op.create_index(
        'ix_membership_contested', 'membership', ['community_id'],
        sqlite_where=OPEN, postgresql_where=OPEN,
    )
    op.add_column('household', sa.Column('moved_out_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('household', 'moved_out_at')
    op.drop_index('ix_membership_contested', 'membership')
    with op.batch_alter_table('membership') as table:
        table.drop_constraint(BY, type_='foreignkey')
        for column in ('ended_why', 'contested_by', 'contested_at', 'joined_by'):
            table.drop_column(column)

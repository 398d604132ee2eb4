"""What is kept may outlive whom it is about: ballots, posts and pledges without a person"""

import sqlalchemy as sa
from alembic import op

revision = 'd72e90b5a1c8'
down_revision = "e7b3a9d15c42"
branch_labels = depends_on = None

# What stays when somebody is erased, and loses who it was.
NAMELESS = (
    ('ballot', 'person_id'),
    ('post', 'person_id'),
    ('convention_signature', 'person_id'),
    ('poll_voter', 'household_id'),
)


def upgrade() -> None:
    for name, column in NAMELESS:
        with op.batch_alter_table(name) as table:
            table.alter_column(column, existing_type=sa.Integer(), nullable=True)
    op.add_column(
        'poll_voter',
        sa.Column('untie', sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    with op.batch_alter_table('poll_voter') as table:
        table.drop_column('untie')
    # What has lost its person cannot be given one; the version before knows no such rows.
    op.execute('DELETE FROM ballot WHERE person_id IS NULL')
    for name, column in NAMELESS[1:]:
        op.execute(f'DELETE FROM {name} WHERE {column} IS NULL')  # noqa: S608 -- our own names
    for name, column in NAMELESS:
        with op.batch_alter_table(name) as table:
            table.alter_column(column, existing_type=sa.Integer(), nullable=False)

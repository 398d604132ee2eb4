"""Find a household's desk numbers without reading everybody's"""

from alembic import op

revision = '9c1d5be3a0f2'
down_revision = '4b14c7baca70'
branch_labels = depends_on = None

NAME, TABLE = 'ix_desk_confirmation_household', 'desk_confirmation'


def upgrade() -> None:
    op.create_index(NAME, TABLE, ['community_id', 'household_id'])


def downgrade() -> None:
    op.drop_index(NAME, TABLE)

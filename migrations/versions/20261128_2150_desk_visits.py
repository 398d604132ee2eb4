"""Somebody present at the desk: the household's one seat there, and a clerk's visits"""

import sqlalchemy as sa
from alembic import op

revision = 'd7e2b94c1a58'
down_revision = "e7b2a95c1d04"
branch_labels = depends_on = None

PRESENT = sa.text("joined_by = 'present' AND ended_at IS NULL")
GOING_ON = sa.text('ended_at IS NULL')


def upgrade() -> None:
    op.create_index(
        'uq_membership_present', 'membership', ['community_id', 'household_id'], unique=True,
        sqlite_where=PRESENT, postgresql_where=PRESENT,
    )
    op.create_table(
        'desk_visit',
        sa.Column('id', sa.Integer(), primary_key=True),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('household_id', sa.Integer(), nullable=False),
        sa.Column('seat_id', sa.Integer(), nullable=False),
        sa.Column('clerk_id', sa.Integer(), nullable=False),
        sa.Column('checked', sa.String(length=10), nullable=False),
        sa.Column('began_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('until', sa.DateTime(timezone=True), nullable=False),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['community_id', 'household_id'], ['household.community_id', 'household.id'],
            name='fk_desk_visit_household',
        ),
        sa.ForeignKeyConstraint(['community_id'], ['community.id']),
        sa.ForeignKeyConstraint(['seat_id'], ['person.id']),
        sa.ForeignKeyConstraint(['clerk_id'], ['person.id']),
    )
    op.create_index(
        'uq_desk_visit_going_on', 'desk_visit', ['community_id', 'household_id', 'clerk_id'],
        unique=True, sqlite_where=GOING_ON, postgresql_where=GOING_ON,
    )


def downgrade() -> None:
    op.drop_table('desk_visit')
    op.drop_index('uq_membership_present', 'membership')

"""Several households for one person, ages, corrections of the roll, and changes of owner"""

import sqlalchemy as sa
from alembic import op

revision = '5b0d9e37c6a1'
down_revision = 'a4c81f6e2d93'
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column(
        'person', sa.Column('minor_declared_at', sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column('membership', sa.Column('chosen_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        'membership', sa.Column('age_confirmed_at', sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        'household', sa.Column('owner_changed_at', sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        'correction_request',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('household_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('once', sa.String(length=32), nullable=False),
        sa.Column('what', sa.String(length=10), nullable=False),
        sa.Column('text', sa.String(length=300), nullable=False),
        sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('state', sa.String(length=10), nullable=False),
        sa.Column('answer', sa.String(length=300), nullable=False),
        sa.Column('answered_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'waiting') = (answered_at IS NULL)",
            name='ck_correction_request_answered_when_done',
        ),
        sa.ForeignKeyConstraint(
            ['community_id', 'household_id'],
            ['household.community_id', 'household.id'],
            name='fk_correction_request_household',
        ),
        sa.ForeignKeyConstraint(
            ['community_id'],
            ['community.id'],
            name='fk_correction_request_community_id_community',
        ),
        sa.ForeignKeyConstraint(
            ['person_id'], ['person.id'], name='fk_correction_request_person_id_person'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_correction_request'),
        sa.UniqueConstraint(
            'community_id', 'once', name='uq_correction_request_community_id_once'
        ),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        'ix_correction_request_waiting',
        'correction_request',
        ['community_id'],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index(
        'ix_correction_request_household', 'correction_request', ['community_id', 'household_id']
    )
    op.create_index('ix_correction_request_person', 'correction_request', ['person_id'])


def downgrade() -> None:
    op.drop_table('correction_request')
    op.drop_column('household', 'owner_changed_at')
    op.drop_column('membership', 'age_confirmed_at')
    op.drop_column('membership', 'chosen_at')
    op.drop_column('person', 'minor_declared_at')

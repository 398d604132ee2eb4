"""Roles proposed and approved, their scope, stand-ins, and when a session's cookie is renewed"""

import sqlalchemy as sa
from alembic import op

revision = 'e7b2a95c1d04'
down_revision = "d72e90b5a1c8"
branch_labels = depends_on = None

OPEN = sa.text("outcome = ''")


def upgrade() -> None:
    op.add_column(
        'login_session',
        sa.Column('roles_mark', sa.String(length=64), nullable=False, server_default=''),
    )
    op.add_column(
        'role_grant', sa.Column('scope', sa.String(length=200), nullable=False, server_default='')
    )
    op.create_table(
        'role_proposal',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('role', sa.String(length=30), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('called', sa.String(length=40), nullable=False),
        sa.Column('scope', sa.String(length=200), nullable=False),
        sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('proposed_by', sa.Integer(), nullable=False),
        sa.Column('proposed_as', sa.String(length=30), nullable=False),
        sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('outcome', sa.String(length=10), nullable=False),
        sa.Column('decided_by', sa.Integer(), nullable=True),
        sa.Column('decided_as', sa.String(length=30), nullable=False),
        sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('word', sa.Text(), nullable=False),
        sa.Column('grant_id', sa.Integer(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f'{table}.id'], name=f'fk_role_proposal_{column}_{table}'
            )
            for column, table in (
                ('community_id', 'community'),
                ('person_id', 'person'),
                ('proposed_by', 'person'),
                ('decided_by', 'person'),
                ('grant_id', 'role_grant'),
            )
        ),
        sa.PrimaryKeyConstraint('id', name='pk_role_proposal'),
    )
    op.create_index(
        'ix_role_proposal_open',
        'role_proposal',
        ['community_id', 'person_id', 'role', 'scope'],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        'role_stand_in',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('named_by', sa.Integer(), nullable=False),
        sa.Column('named_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f'{table}.id'], name=f'fk_role_stand_in_{column}_{table}'
            )
            for column, table in (
                ('community_id', 'community'),
                ('person_id', 'person'),
                ('named_by', 'person'),
            )
        ),
        sa.PrimaryKeyConstraint('id', name='pk_role_stand_in'),
    )
    op.create_index('ix_role_stand_in_community', 'role_stand_in', ['community_id', 'id'])


def downgrade() -> None:
    op.drop_table('role_stand_in')
    op.drop_table('role_proposal')
    op.drop_column('role_grant', 'scope')
    op.drop_column('login_session', 'roles_mark')

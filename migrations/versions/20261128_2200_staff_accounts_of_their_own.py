"""Passwords of one's own, new phones and one-time links"""

import sqlalchemy as sa
from alembic import op

revision = 'e2a6b94d1c58'
down_revision = 'd7e2b94c1a58'
branch_labels = depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column('staff_account', sa.Column('password_set_at', moment, nullable=True))
    op.add_column(
        'staff_account',
        sa.Column('next_totp', sa.String(length=300), nullable=False, server_default=''),
    )
    op.add_column('staff_account', sa.Column('next_totp_at', moment, nullable=True))
    op.create_table(
        'account_link',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=True),
        sa.Column('kind', sa.String(length=10), nullable=False),
        sa.Column('token_hash', sa.String(length=64), nullable=False),
        sa.Column('made_by', sa.Integer(), nullable=True),
        sa.Column('made_at', moment, nullable=False),
        sa.Column('expires_at', moment, nullable=False),
        sa.Column('vouched_by', sa.Integer(), nullable=True),
        sa.Column('number_hash', sa.String(length=64), nullable=False),
        sa.Column('number_given_at', moment, nullable=True),
        sa.Column('wrong_count', sa.Integer(), nullable=False),
        sa.Column('password_hash', sa.String(length=200), nullable=False),
        sa.Column('totp_secret', sa.String(length=300), nullable=False),
        sa.Column('ended_at', moment, nullable=True),
        sa.ForeignKeyConstraint(
            ['account_id'], ['staff_account.id'], name='fk_account_link_account_id_staff_account'
        ),
        sa.ForeignKeyConstraint(
            ['community_id'], ['community.id'], name='fk_account_link_community_id_community'
        ),
        sa.ForeignKeyConstraint(
            ['made_by'], ['person.id'], name='fk_account_link_made_by_person'
        ),
        sa.ForeignKeyConstraint(
            ['vouched_by'], ['person.id'], name='fk_account_link_vouched_by_person'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_account_link'),
        sa.UniqueConstraint('token_hash', name='uq_account_link_token_hash'),
    )
    op.create_index('ix_account_link_account_id', 'account_link', ['account_id'])


def downgrade() -> None:
    op.drop_table('account_link')
    op.drop_column('staff_account', 'next_totp_at')
    op.drop_column('staff_account', 'next_totp')
    op.drop_column('staff_account', 'password_set_at')

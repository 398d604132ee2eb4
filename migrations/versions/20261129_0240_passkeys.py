"""Passkeys of staff, and the questions they answer"""

import sqlalchemy as sa
from alembic import op

revision = 'f41c7a90be23'
down_revision = 'b1f4c7a92e35'
branch_labels = depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        'passkey',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('credential_id', sa.String(length=1400), nullable=False),
        sa.Column('public_key', sa.String(length=2000), nullable=False),
        sa.Column('name', sa.String(length=40), nullable=False),
        sa.Column('made_at', moment, nullable=False),
        sa.Column('sign_count', sa.BigInteger(), nullable=False),
        sa.Column('used_at', moment, nullable=True),
        sa.ForeignKeyConstraint(
            ['account_id'], ['staff_account.id'], name='fk_passkey_account_id_staff_account'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_passkey'),
        sa.UniqueConstraint('credential_id', name='uq_passkey_credential_id'),
    )
    op.create_index('ix_passkey_account_id', 'passkey', ['account_id'])
    op.create_table(
        'passkey_challenge',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('challenge_hash', sa.String(length=64), nullable=False),
        sa.Column('purpose', sa.String(length=10), nullable=False),
        sa.Column('holder', sa.String(length=64), nullable=False),
        sa.Column('expires_at', moment, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_passkey_challenge'),
        sa.UniqueConstraint('challenge_hash', name='uq_passkey_challenge_challenge_hash'),
    )
    op.create_index('ix_passkey_challenge_expires_at', 'passkey_challenge', ['expires_at'])


def downgrade() -> None:
    op.drop_table('passkey_challenge')
    op.drop_table('passkey')

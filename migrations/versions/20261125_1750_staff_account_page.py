"""What kind of browser a session is, and codes that stand in for a staff member's six digits"""

import sqlalchemy as sa
from alembic import op

revision = 'c4d8e1b07f35'
down_revision = 'a41f6c0d9b37'
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column(
        'login_session',
        sa.Column('browser', sa.String(length=20), nullable=False, server_default=''),
    )
    op.add_column(
        'login_session', sa.Column('proved_at', sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        'recovery_code',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('account_id', sa.Integer(), nullable=False),
        sa.Column('code_hash', sa.String(length=64), nullable=False),
        sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['account_id'], ['staff_account.id'], name='fk_recovery_code_account_id_staff_account'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_recovery_code'),
        sa.UniqueConstraint('code_hash', name='uq_recovery_code_code_hash'),
    )
    op.create_index('ix_recovery_code_account_id', 'recovery_code', ['account_id'])


def downgrade() -> None:
    op.drop_table('recovery_code')
    op.drop_column('login_session', 'proved_at')
    op.drop_column('login_session', 'browser')

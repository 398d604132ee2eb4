"""Bodies, who acts for them, what was said in their name, and the parties of meetings"""

import sqlalchemy as sa
from alembic import op

revision = 'b0d1e5a72c46'
down_revision = 'f41c7a90be23'
branch_labels = depends_on = None

LISTED = sa.text('closed_at IS NULL')
OPEN = sa.text('ended_at IS NULL')
MOMENT = sa.DateTime(timezone=True)
TO_BODY = ['body.community_id', 'body.id']


def upgrade() -> None:
    op.create_table(
        'body',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('public_id', sa.String(length=20), nullable=False),
        sa.Column('kind', sa.String(length=40), nullable=False),
        sa.Column('name', sa.String(length=80), nullable=False),
        sa.Column('contact', sa.String(length=120), nullable=False),
        sa.Column('since', MOMENT, nullable=False),
        sa.Column('closed_at', MOMENT, nullable=True),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ['community_id'], ['community.id'], name='fk_body_community_id_community'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_body'),
        sa.UniqueConstraint('community_id', 'public_id', name='uq_body_community_id_public_id'),
        sa.UniqueConstraint('community_id', 'id', name='uq_body_community_id_id'),
    )
    op.create_index(
        'ix_body_listed',
        'body',
        ['community_id', 'name'],
        unique=True,
        sqlite_where=LISTED,
        postgresql_where=LISTED,
    )
    op.create_table(
        'body_acting',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('body_id', sa.Integer(), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=False),
        sa.Column('grant_id', sa.Integer(), nullable=False),
        sa.Column('scope', sa.String(length=100), nullable=False),
        sa.Column('called', sa.String(length=40), nullable=False),
        sa.Column('ground', sa.Text(), nullable=False),
        sa.Column('given_by', sa.Integer(), nullable=False),
        sa.Column('given_at', MOMENT, nullable=False),
        sa.Column('ended_at', MOMENT, nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [column], [f'{table}.id'], name=f'fk_body_acting_{column}_{table}'
            )
            for column, table in (
                ('community_id', 'community'),
                ('person_id', 'person'),
                ('grant_id', 'role_grant'),
                ('given_by', 'person'),
            )
        ),
        sa.ForeignKeyConstraint(['community_id', 'body_id'], TO_BODY, name='fk_body_acting_body'),
        sa.PrimaryKeyConstraint('id', name='pk_body_acting'),
        sa.UniqueConstraint(
            'community_id', 'grant_id', name='uq_body_acting_community_id_grant_id'
        ),
    )
    op.create_index('ix_body_acting_person_id', 'body_acting', ['person_id'])
    op.create_index(
        'ix_body_acting_open',
        'body_acting',
        ['community_id', 'body_id', 'person_id', 'scope'],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        'meeting_party',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('meeting_id', sa.Integer(), nullable=False),
        sa.Column('body_id', sa.Integer(), nullable=True),
        sa.Column('label', sa.String(length=200), nullable=True),
        sa.Column('presence', sa.String(length=10), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('said_at', MOMENT, nullable=True),
        sa.CheckConstraint(
            '(body_id IS NULL) <> (label IS NULL)', name='ck_meeting_party_body_or_label'
        ),
        sa.ForeignKeyConstraint(
            ['community_id'], ['community.id'], name='fk_meeting_party_community_id_community'
        ),
        sa.ForeignKeyConstraint(
            ['community_id', 'meeting_id'],
            ['meeting.community_id', 'meeting.id'],
            name='fk_meeting_party_meeting',
        ),
        sa.ForeignKeyConstraint(['community_id', 'body_id'], TO_BODY, name='fk_meeting_party_body'),
        sa.PrimaryKeyConstraint('id', name='pk_meeting_party'),
        sa.UniqueConstraint(
            'community_id',
            'meeting_id',
            'body_id',
            name='uq_meeting_party_community_id_meeting_id_body_id',
        ),
        sa.UniqueConstraint(
            'community_id',
            'meeting_id',
            'label',
            name='uq_meeting_party_community_id_meeting_id_label',
        ),
    )
    with op.batch_alter_table('post') as table:
        table.add_column(sa.Column('body_id', sa.Integer(), nullable=True))
        table.create_foreign_key('fk_post_body', 'body', ['community_id', 'body_id'], [
            'community_id', 'id',
        ])


def downgrade() -> None:
    with op.batch_alter_table('post') as table:
        table.drop_constraint('fk_post_body', type_='foreignkey')
        table.drop_column('body_id')
    op.drop_table('meeting_party')
    op.drop_table('body_acting')
    op.drop_table('body')

"""Without a phone: written authorities, requests for paper, visits at home"""

import sqlalchemy as sa
from alembic import op

revision = 'a4c81f6e2d93'
down_revision = 'b0d1e5a72c46'
branch_labels = depends_on = None

LIVING = sa.text('ended_at IS NULL')
COUNTS = sa.text('ended_at IS NULL OR cast_at IS NOT NULL')
FROM_NOW_ON = sa.text('ended_at IS NULL AND poll_id IS NULL')
FOR_ONE_POLL = sa.text('ended_at IS NULL AND poll_id IS NOT NULL')
TO_COME = sa.text('done_at IS NULL')


def when(name, nullable=True):
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def person(name):
    return sa.Column(name, sa.Integer(), sa.ForeignKey('person.id'), nullable=True)


def tenant():
    return (
        sa.Column('id', sa.Integer(), primary_key=True),
        sa.Column('community_id', sa.Integer(), sa.ForeignKey('community.id'), nullable=False),
    )


def of(table, thing, column=None):
    return sa.ForeignKeyConstraint(
        ['community_id', column or f'{thing}_id'], [f'{thing}.community_id', f'{thing}.id'],
        name=f'fk_{table}_{(column or thing).removesuffix("_id")}',
    )


def only(name, table, columns, where):
    op.create_index(
        name, table, columns, unique=True, sqlite_where=where, postgresql_where=where
    )


def upgrade() -> None:
    op.add_column(
        'poll_voter',
        sa.Column('by_proxy', sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_table(
        'poll_proxy',
        *tenant(),
        sa.Column('poll_id', sa.Integer(), nullable=False),
        sa.Column('household_id', sa.Integer(), nullable=False),
        sa.Column('holder_key', sa.String(length=80), nullable=False),
        sa.Column('holder_household_id', sa.Integer(), nullable=True),
        person('holder_id'),
        sa.Column('holder_name', sa.String(length=40), nullable=False),
        sa.Column('slot', sa.Integer(), nullable=False),
        sa.Column('sheet', sa.String(length=40), nullable=False),
        sa.Column('seen', sa.String(length=10), nullable=False),
        person('entered_by'),
        when('given_at', nullable=False),
        when('until', nullable=False),
        when('cast_at'),
        when('ended_at'),
        sa.CheckConstraint('slot BETWEEN 1 AND 3', name='three_places'),
        sa.CheckConstraint(
            'holder_household_id IS NULL OR holder_household_id <> household_id',
            name='to_somebody_else',
        ),
        sa.CheckConstraint(
            '(holder_household_id IS NULL) <> (holder_id IS NULL)', name='exactly_one_holder'
        ),
        sa.UniqueConstraint('community_id', 'sheet', name='uq_poll_proxy_community_id_sheet'),
        of('poll_proxy', 'poll'),
        of('poll_proxy', 'household'),
        of('poll_proxy', 'household', 'holder_household_id'),
    )
    only('uq_poll_proxy_principal', 'poll_proxy', ['community_id', 'poll_id', 'household_id'],
         LIVING)
    only('uq_poll_proxy_place', 'poll_proxy', ['community_id', 'poll_id', 'holder_key', 'slot'],
         COUNTS)
    op.create_table(
        'paper_request',
        *tenant(),
        sa.Column('household_id', sa.Integer(), nullable=False),
        sa.Column('poll_id', sa.Integer(), nullable=True),
        sa.Column('asked', sa.String(length=10), nullable=False),
        person('asked_by'),
        when('asked_at', nullable=False),
        when('ended_at'),
        of('paper_request', 'household'),
        of('paper_request', 'poll'),
    )
    only('uq_paper_request_from_now_on', 'paper_request', ['community_id', 'household_id'],
         FROM_NOW_ON)
    only('uq_paper_request_one_poll', 'paper_request', ['community_id', 'poll_id', 'household_id'],
         FOR_ONE_POLL)
    op.create_table(
        'paper_handed',
        *tenant(),
        sa.Column('household_id', sa.Integer(), nullable=False),
        sa.Column('poll_id', sa.Integer(), nullable=False),
        person('noted_by'),
        when('handed_at', nullable=False),
        sa.UniqueConstraint(
            'community_id', 'poll_id', 'household_id',
            name='uq_paper_handed_community_id_poll_id_household_id',
        ),
        of('paper_handed', 'household'),
        of('paper_handed', 'poll'),
    )
    op.create_table(
        'turnout_look',
        *tenant(),
        sa.Column('poll_id', sa.Integer(), nullable=False),
        sa.Column('purpose', sa.String(length=10), nullable=False),
        sa.Column('part', sa.String(length=80), nullable=False),
        person('looked_by'),
        when('looked_at', nullable=False),
        of('turnout_look', 'poll'),
    )
    op.create_index('ix_turnout_look_poll', 'turnout_look', ['community_id', 'poll_id'])
    op.create_table(
        'home_visit',
        *tenant(),
        sa.Column('household_id', sa.Integer(), nullable=False),
        sa.Column('purpose', sa.String(length=10), nullable=False),
        sa.Column('wished', sa.String(length=10), nullable=False),
        sa.Column('asked', sa.String(length=10), nullable=False),
        person('asked_by'),
        when('asked_at', nullable=False),
        when('planned_at'),
        person('first_id'),
        person('second_id'),
        sa.Column('outcome', sa.String(length=10), nullable=False),
        when('done_at'),
        sa.CheckConstraint('first_id <> second_id', name='two_people_go'),
        sa.CheckConstraint(
            '(planned_at IS NULL) = (first_id IS NULL) AND (planned_at IS NULL) = '
            '(second_id IS NULL)',
            name='planned_with_both',
        ),
        sa.CheckConstraint("(done_at IS NULL) = (outcome = '')", name='done_with_outcome'),
        of('home_visit', 'household'),
    )
    only('uq_home_visit_to_come', 'home_visit', ['community_id', 'household_id'], TO_COME)


def downgrade() -> None:
    for table in ('home_visit', 'turnout_look', 'paper_handed', 'paper_request', 'poll_proxy'):
        op.drop_table(table)
    with op.batch_alter_table('poll_voter') as table:
        table.drop_column('by_proxy')

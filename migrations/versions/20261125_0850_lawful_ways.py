"""Votes on topics, what is kept from sight, answers that stand beside each other, what changed"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = '7be0a41c92d5'
down_revision = 'b7d0c1e5a9f2'
branch_labels = depends_on = None

RECORD_TIME = '%Y-%m-%dT%H:%M:%SZ'
POST = sa.table(
    'post',
    sa.column('id', sa.Integer),
    sa.column('reply', sa.Text),
    sa.column('replied_as', sa.String),
    sa.column('replied_at', sa.DateTime(timezone=True)),
    sa.column('answers', sa.JSON),
)
NOTHING, NONE, NO = sa.text("''"), sa.text("'[]'"), sa.false()


def upgrade() -> None:
    op.create_table(
        'topic_outcome',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('topic_id', sa.Integer(), nullable=False),
        sa.Column('body', sa.String(30), nullable=False),
        sa.Column('verdict', sa.String(20), nullable=False),
        sa.Column('base', sa.Integer(), nullable=False),
        sa.Column('representatives', sa.Integer(), nullable=False),
        sa.Column('present', sa.Integer(), nullable=False),
        sa.Column('in_favour', sa.Integer(), nullable=False),
        sa.Column('poll', sa.String(80), nullable=False),
        sa.Column('matter', sa.String(10), nullable=False),
        sa.Column('areas_c', sa.JSON(), nullable=False),
        sa.Column('held_on', sa.DateTime(timezone=True), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_topic_outcome'),
        sa.ForeignKeyConstraint(
            ['community_id'], ['community.id'], name='fk_topic_outcome_community_id_community'
        ),
        sa.ForeignKeyConstraint(
            ['community_id', 'topic_id'],
            ['topic.community_id', 'topic.id'],
            name='fk_topic_outcome_topic',
        ),
        sa.UniqueConstraint('community_id', 'topic_id', name='uq_topic_outcome_community_id_topic_id'),
    )
    # In place: to copy a table would take it away from the rows that name it.
    for column in (
        sa.Column('original_title', sa.String(120), nullable=False, server_default=NOTHING),
        sa.Column('original_background', sa.Text(), nullable=False, server_default=NOTHING),
        sa.Column('cover_reason', sa.String(30), nullable=False, server_default=NOTHING),
    ):
        op.add_column('topic', column)
    op.execute('UPDATE topic SET original_title = title, original_background = background')
    op.add_column('topic_photo', sa.Column('hidden', sa.Boolean(), nullable=False, server_default=NO))
    op.add_column('attachment', sa.Column('withheld', sa.Boolean(), nullable=False, server_default=NO))
    op.add_column('meeting', sa.Column('reason', sa.Text(), nullable=False, server_default=NOTHING))
    op.add_column(
        'person_notice', sa.Column('detail', sa.String(40), nullable=False, server_default=NOTHING)
    )
    for name in ('answers', 'earlier', 'overruled'):
        op.add_column('post', sa.Column(name, sa.JSON(), nullable=False, server_default=NONE))
    _answers_from_replies()
    for name in ('reply', 'replied_as', 'replied_at'):
        op.drop_column('post', name)


def _answers_from_replies() -> None:
    bind = op.get_bind()
    wanted = sa.select(POST.c.id, POST.c.reply, POST.c.replied_as, POST.c.replied_at)
    for row in bind.execute(wanted.where(POST.c.reply != '')).all():
        at = row.replied_at.replace(tzinfo=row.replied_at.tzinfo or UTC).astimezone(UTC)
        said = {'role': row.replied_as, 'text': row.reply, 'at': at.strftime(RECORD_TIME)}
        bind.execute(sa.update(POST).where(POST.c.id == row.id).values(answers=[said]))


def downgrade() -> None:
    op.add_column('post', sa.Column('reply', sa.Text(), nullable=False, server_default=NOTHING))
    op.add_column(
        'post', sa.Column('replied_as', sa.String(30), nullable=False, server_default=NOTHING)
    )
    op.add_column('post', sa.Column('replied_at', sa.DateTime(timezone=True), nullable=True))
    _replies_from_answers()
    for name in ('answers', 'earlier', 'overruled'):
        op.drop_column('post', name)
    op.drop_column('person_notice', 'detail')
    op.drop_column('meeting', 'reason')
    op.drop_column('attachment', 'withheld')
    op.drop_column('topic_photo', 'hidden')
    for name in ('original_title', 'original_background', 'cover_reason'):
        op.drop_column('topic', name)
    op.drop_table('topic_outcome')


def _replies_from_answers() -> None:
    """Of several answers the last one is left; there is room for no more."""
    bind = op.get_bind()
    for row in bind.execute(sa.select(POST.c.id, POST.c.answers)).all():
        if row.answers:
            last = row.answers[-1]
            at = datetime.strptime(last['at'], RECORD_TIME).replace(tzinfo=UTC)
            values = {'reply': last['text'], 'replied_as': last['role'], 'replied_at': at}
            bind.execute(sa.update(POST).where(POST.c.id == row.id).values(values))

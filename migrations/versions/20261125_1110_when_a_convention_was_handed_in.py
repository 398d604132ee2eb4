"""When a version of the convention was handed in: only a poll opened after that may adopt it"""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = 'e3b85d71c042'
down_revision = '7be0a41c92d5'
branch_labels = depends_on = None

MOMENT = sa.DateTime(timezone=True)
CONVENTION = sa.table(
    'convention',
    sa.column('community_id', sa.Integer), sa.column('number', sa.Integer),
    sa.column('submitted_at', MOMENT),
)
ENTRY = sa.table(
    'record_entry',
    sa.column('community_id', sa.Integer), sa.column('kind', sa.String),
    sa.column('entry', sa.Text),
)


def upgrade() -> None:
    op.add_column('convention', sa.Column('submitted_at', MOMENT, nullable=True))
    bind = op.get_bind()
    # The record has told it all along.
    rows = bind.execute(
        sa.select(ENTRY.c.community_id, ENTRY.c.entry).where(ENTRY.c.kind == 'convention.moved')
    ).all()
    for row in rows:
        entry = json.loads(row.entry)
        if entry['data']['to'] == 'submitted':
            bind.execute(
                sa.update(CONVENTION)
                .where(
                    CONVENTION.c.community_id == row.community_id,
                    CONVENTION.c.number == entry['data']['version'],
                )
                .values(submitted_at=datetime.fromisoformat(entry['at'].replace('Z', '+00:00')))
            )


def downgrade() -> None:
    op.drop_column('convention', 'submitted_at')

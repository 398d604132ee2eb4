"""Logs and settings of places above communities; topics that communities share"""

import sqlalchemy as sa
from alembic import op

revision = 'e7b3a9d15c42'
down_revision = 'c4d8e1b07f35'
branch_labels = depends_on = None

# The rest of each table's key, beside the tenant.
TABLES = {
    'record_log': (),
    'record_entry': ('seq',),
    'record_opening': ('seq', 'name'),
    'record_checkpoint': ('size',),
}
ABOVE = sa.text('jurisdiction_id IS NOT NULL')


def upgrade() -> None:
    for name in TABLES:
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column('jurisdiction_id', sa.Integer(), nullable=True))
            table.alter_column('community_id', existing_type=sa.Integer(), nullable=True)
            table.create_foreign_key(
                op.f(f'fk_{name}_jurisdiction_id_jurisdiction'),
                'jurisdiction',
                ['jurisdiction_id'],
                ['id'],
            )
            table.create_check_constraint(
                op.f(f'ck_{name}_one_tenant'),
                '(community_id IS NULL) <> (jurisdiction_id IS NULL)',
            )
            if name == 'record_log':
                table.alter_column(
                    'code', existing_type=sa.String(length=40), type_=sa.String(length=60)
                )
                table.create_unique_constraint(
                    op.f('uq_record_log_jurisdiction_id'), ['jurisdiction_id']
                )
    for name, key in TABLES.items():
        if key:
            op.create_index(
                f'uq_{name}_above',
                name,
                ['jurisdiction_id', *key],
                unique=True,
                sqlite_where=ABOVE,
                postgresql_where=ABOVE,
            )
    # Places that were there before have a log from now on; nothing is made up of what was.
    op.execute(
        "INSERT INTO record_log (jurisdiction_id, code, size, head, frontier) "
        f"SELECT id, 'd-' || code, 0, '{'0' * 64}', '[]' FROM jurisdiction"
    )
    op.add_column(
        'community_setting', sa.Column('set_at', sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        'jurisdiction_setting',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('jurisdiction_id', sa.Integer(), nullable=False),
        sa.Column('key', sa.String(length=40), nullable=False),
        sa.Column('value', sa.Text(), nullable=False),
        sa.Column('set_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['jurisdiction_id'],
            ['jurisdiction.id'],
            name='fk_jurisdiction_setting_jurisdiction_id_jurisdiction',
        ),
        sa.PrimaryKeyConstraint('id', name='pk_jurisdiction_setting'),
        sa.UniqueConstraint(
            'jurisdiction_id', 'key', name='uq_jurisdiction_setting_jurisdiction_id_key'
        ),
    )
    _create_sharing()


def _create_sharing() -> None:
    op.create_table(
        'shared_topic',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('jurisdiction_id', sa.Integer(), nullable=False),
        sa.Column('public_id', sa.String(length=20), nullable=False),
        sa.Column('title', sa.String(length=120), nullable=False),
        sa.Column('background', sa.Text(), nullable=False),
        sa.Column('question', sa.Text(), nullable=False),
        sa.Column('state', sa.String(length=20), nullable=False),
        sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('outcome', sa.Text(), nullable=False),
        sa.Column('published_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('publication_until', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['jurisdiction_id'],
            ['jurisdiction.id'],
            name='fk_shared_topic_jurisdiction_id_jurisdiction',
        ),
        sa.PrimaryKeyConstraint('id', name='pk_shared_topic'),
        sa.UniqueConstraint(
            'jurisdiction_id', 'public_id', name='uq_shared_topic_jurisdiction_id_public_id'
        ),
    )
    op.create_table(
        'shared_in',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('shared_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['community_id'], ['community.id'], name='fk_shared_in_community_id_community'
        ),
        sa.ForeignKeyConstraint(
            ['shared_id'], ['shared_topic.id'], name='fk_shared_in_shared_id_shared_topic'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_shared_in'),
        sa.UniqueConstraint(
            'community_id', 'shared_id', name='uq_shared_in_community_id_shared_id'
        ),
    )
    op.create_index('ix_shared_in_shared_id', 'shared_in', ['shared_id'])
    op.create_table(
        'lifted_topic',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('jurisdiction_id', sa.Integer(), nullable=False),
        sa.Column('public_id', sa.String(length=20), nullable=False),
        sa.Column('topic_id', sa.Integer(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('state', sa.String(length=20), nullable=False),
        sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('shared_id', sa.Integer(), nullable=True),
        sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'shared') = (shared_id IS NOT NULL)", name='ck_lifted_topic_shared_when'
        ),
        sa.ForeignKeyConstraint(
            ['community_id'], ['community.id'], name='fk_lifted_topic_community_id_community'
        ),
        sa.ForeignKeyConstraint(
            ['jurisdiction_id'],
            ['jurisdiction.id'],
            name='fk_lifted_topic_jurisdiction_id_jurisdiction',
        ),
        sa.ForeignKeyConstraint(
            ['community_id', 'topic_id'],
            ['topic.community_id', 'topic.id'],
            name='fk_lifted_topic_topic',
        ),
        sa.ForeignKeyConstraint(
            ['community_id', 'shared_id'],
            ['shared_in.community_id', 'shared_in.shared_id'],
            name='fk_lifted_topic_shared_in',
        ),
        sa.PrimaryKeyConstraint('id', name='pk_lifted_topic'),
        sa.UniqueConstraint(
            'community_id', 'topic_id', name='uq_lifted_topic_community_id_topic_id'
        ),
        sa.UniqueConstraint(
            'community_id', 'public_id', name='uq_lifted_topic_community_id_public_id'
        ),
    )
    op.create_index('ix_lifted_topic_area', 'lifted_topic', ['jurisdiction_id', 'state'])
    op.create_table(
        'shared_opinion',
        sa.Column('id', sa.Integer(), nullable=False),
        sa.Column('community_id', sa.Integer(), nullable=False),
        sa.Column('shared_id', sa.Integer(), nullable=False),
        sa.Column('public_id', sa.String(length=20), nullable=False),
        sa.Column('person_id', sa.Integer(), nullable=True),
        sa.Column('once', sa.String(length=40), nullable=False),
        sa.Column('original', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('state', sa.String(length=20), nullable=False),
        sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('moderated_at', sa.DateTime(timezone=True), nullable=True),
        sa.Column('reason', sa.String(length=30), nullable=False),
        sa.Column('note', sa.Text(), nullable=False),
        sa.Column('disposition', sa.String(length=20), nullable=False),
        sa.Column('disposition_why', sa.Text(), nullable=False),
        sa.Column('disposed_at', sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ['community_id'], ['community.id'], name='fk_shared_opinion_community_id_community'
        ),
        sa.ForeignKeyConstraint(
            ['community_id', 'shared_id'],
            ['shared_in.community_id', 'shared_in.shared_id'],
            name='fk_shared_opinion_shared_in',
        ),
        sa.ForeignKeyConstraint(
            ['person_id'], ['person.id'], name='fk_shared_opinion_person_id_person'
        ),
        sa.PrimaryKeyConstraint('id', name='pk_shared_opinion'),
        sa.UniqueConstraint(
            'community_id', 'person_id', 'once', name='uq_shared_opinion_community_id_person_id_once'
        ),
        sa.UniqueConstraint(
            'community_id', 'public_id', name='uq_shared_opinion_community_id_public_id'
        ),
    )
    op.create_index('ix_shared_opinion_shared', 'shared_opinion', ['shared_id', 'state'])


def downgrade() -> None:
    for name in ('shared_opinion', 'lifted_topic', 'shared_in', 'shared_topic'):
        op.drop_table(name)
    op.drop_table('jurisdiction_setting')
    op.drop_column('community_setting', 'set_at')
    for name, key in reversed(TABLES.items()):
        if key:
            op.drop_index(f'uq_{name}_above', table_name=name)
        op.execute(f'DELETE FROM {name} WHERE community_id IS NULL')
        with op.batch_alter_table(name) as table:
            if name == 'record_log':
                table.drop_constraint(op.f('uq_record_log_jurisdiction_id'), type_='unique')
                table.alter_column(
                    'code', existing_type=sa.String(length=60), type_=sa.String(length=40)
                )
            table.drop_constraint(op.f(f'ck_{name}_one_tenant'), type_='check')
            table.drop_constraint(
                op.f(f'fk_{name}_jurisdiction_id_jurisdiction'), type_='foreignkey'
            )
            table.alter_column('community_id', existing_type=sa.Integer(), nullable=False)
            table.drop_column('jurisdiction_id')

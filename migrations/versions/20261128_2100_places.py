"""Logs and settings of places above communities"""

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


def downgrade() -> None:
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

"""Rolls as they are: uploads judged row by row, columns mapped by hand, owner sets"""

import sqlalchemy as sa
from alembic import op

revision = 'b7d0c1e5a9f2'
down_revision = 'c2f4a90b7d15'
branch_labels = depends_on = None


def _text(name, length):
    return sa.Column(name, sa.String(length=length), nullable=True)


def _number(name):
    return sa.Column(name, sa.Integer(), nullable=True)


def _id():
    return sa.Column('id', sa.Integer(), primary_key=True)


def _community():
    return sa.Column('community_id', sa.Integer(), nullable=False)


def _keys(table, *unique):
    yield sa.PrimaryKeyConstraint('id', name=f'pk_{table}')
    yield sa.ForeignKeyConstraint(
        ['community_id'], ['community.id'], name=f'fk_{table}_community_id_community'
    )
    for columns in unique:
        yield sa.UniqueConstraint(*columns, name=f'uq_{table}_' + '_'.join(columns))


def _of_upload(table):
    return sa.ForeignKeyConstraint(
        ['community_id', 'upload_id'], ['roll_upload.community_id', 'roll_upload.id'],
        name=f'fk_{table}_upload', ondelete='CASCADE',
    )


def _of_household(name):
    return sa.ForeignKeyConstraint(
        ['community_id', 'household_id'], ['household.community_id', 'household.id'], name=name
    )


def _person(table, column):
    return sa.ForeignKeyConstraint([column], ['person.id'], name=f'fk_{table}_{column}_person')


def upgrade() -> None:
    # Uploads wait for a day at most; whoever had one waiting sends the file again.
    op.drop_table('roll_upload')
    op.create_table(
        'roll_upload',
        _id(), _community(),
        sa.Column('public_id', sa.String(length=40), nullable=False),
        sa.Column('file_name', sa.String(length=200), nullable=False),
        sa.Column('uploaded_by', sa.Integer(), nullable=True),
        sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('state', sa.String(length=20), nullable=False),
        sa.Column('sheets', sa.JSON(), nullable=False),
        sa.Column('notes', sa.JSON(), nullable=False),
        sa.Column('counts', sa.JSON(), nullable=False),
        sa.Column('sheet', sa.Integer(), nullable=True),
        sa.Column('pieces', sa.Integer(), nullable=False),
        sa.Column('total', sa.Integer(), nullable=False),
        sa.Column('done', sa.Integer(), nullable=False),
        sa.Column('asked_by', sa.Integer(), nullable=True),
        sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
        _person('roll_upload', 'uploaded_by'), _person('roll_upload', 'asked_by'),
        *_keys('roll_upload', ('community_id', 'public_id'), ('community_id', 'id')),
    )
    op.create_table(
        'roll_piece',
        _id(), _community(),
        sa.Column('upload_id', sa.Integer(), nullable=False),
        sa.Column('sheet', sa.Integer(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('rows', sa.Text(), nullable=False),
        _of_upload('roll_piece'),
        *_keys('roll_piece', ('community_id', 'upload_id', 'sheet', 'position')),
    )
    op.create_table(
        'roll_line',
        _id(), _community(),
        sa.Column('upload_id', sa.Integer(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('state', sa.String(length=20), nullable=False),
        sa.Column('problem', sa.String(length=20), nullable=False),
        sa.Column('what', sa.String(length=400), nullable=False),
        sa.Column('other', sa.Integer(), nullable=False),
        sa.Column('estate', sa.Text(), nullable=False),
        sa.Column('building', sa.Text(), nullable=False),
        sa.Column('stairwell', sa.Text(), nullable=False),
        sa.Column('room', sa.Text(), nullable=False),
        _number('building_id'), _number('household_id'),
        _text('unit_type', 20), _text('household_head', 80), _text('phones', 120),
        _text('owner_name', 200), _number('area_registered_c'), _number('area_surveyed_c'),
        _number('area_contract_c'), _text('tenure', 20), _text('delivery', 20),
        _text('residence', 20), _text('tenant', 80), _number('persons'),
        _number('persons_60_plus'), _text('grid', 40), _text('resident_group', 40),
        _of_upload('roll_line'),
        *_keys('roll_line', ('community_id', 'upload_id', 'number')),
    )
    op.create_index(
        'ix_roll_line_address', 'roll_line',
        ['community_id', 'upload_id', 'estate', 'building', 'stairwell', 'room'],
    )
    op.create_index(
        'ix_roll_line_household', 'roll_line', ['community_id', 'upload_id', 'household_id']
    )
    op.create_table(
        'roll_absence',
        _id(), _community(),
        sa.Column('upload_id', sa.Integer(), nullable=False),
        sa.Column('household_id', sa.Integer(), nullable=False),
        sa.Column('line', sa.Integer(), nullable=False),
        sa.Column('decision', sa.String(length=20), nullable=False),
        _of_upload('roll_absence'), _of_household('fk_roll_absence_household'),
        *_keys('roll_absence', ('community_id', 'upload_id', 'household_id')),
    )
    op.create_table(
        'roll_column',
        _id(), _community(),
        sa.Column('header', sa.String(length=80), nullable=False),
        sa.Column('field', sa.String(length=40), nullable=False),
        *_keys('roll_column', ('community_id', 'header')),
    )
    op.create_table(
        'owner_set',
        _id(), _community(),
        sa.Column('units_hash', sa.String(length=64), nullable=False),
        sa.Column('units', sa.JSON(), nullable=False),
        sa.Column('confirmed', sa.Boolean(), nullable=False),
        sa.Column('decided_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('decided_by', sa.Integer(), nullable=True),
        _person('owner_set', 'decided_by'),
        *_keys('owner_set', ('community_id', 'units_hash'), ('community_id', 'id')),
    )
    op.create_table(
        'owner_set_unit',
        _id(), _community(),
        sa.Column('owner_set_id', sa.Integer(), nullable=False),
        sa.Column('household_id', sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ['community_id', 'owner_set_id'], ['owner_set.community_id', 'owner_set.id'],
            name='fk_owner_set_unit_set',
        ),
        _of_household('fk_owner_set_unit_household'),
        *_keys('owner_set_unit', ('community_id', 'household_id')),
    )
    op.add_column('household', sa.Column('left_roll_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column('household', 'left_roll_at')
    for table in ('owner_set_unit', 'owner_set', 'roll_column', 'roll_absence'):
        op.drop_table(table)
    op.drop_index('ix_roll_line_household', 'roll_line')
    op.drop_index('ix_roll_line_address', 'roll_line')
    for table in ('roll_line', 'roll_piece', 'roll_upload'):
        op.drop_table(table)
    op.create_table(
        'roll_upload',
        _id(), _community(),
        sa.Column('public_id', sa.String(length=40), nullable=False),
        sa.Column('file_name', sa.String(length=200), nullable=False),
        sa.Column('uploaded_by', sa.Integer(), nullable=True),
        sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('rows', sa.JSON(), nullable=False),
        sa.Column('notes', sa.JSON(), nullable=False),
        sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
        _person('roll_upload', 'uploaded_by'),
        *_keys('roll_upload', ('community_id', 'public_id')),
    )

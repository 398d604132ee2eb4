"""Who asked for a project, and what meetings and owners decided on it"""

import sqlalchemy as sa
from alembic import op

revision = 'c2f4a90b7d15'
down_revision = '9c1d5be3a0f2'
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column(
        'project', sa.Column('asked_by', sa.String(200), nullable=False, server_default='')
    )
    op.create_table(
        'project_decision',
        sa.Column('id', sa.Integer, nullable=False),
        sa.Column('community_id', sa.Integer, nullable=False),
        sa.Column('project_id', sa.Integer, nullable=False),
        sa.Column('route', sa.String(40), nullable=False),
        sa.Column('decided_on', sa.DateTime(timezone=True), nullable=False),
        sa.Column('text', sa.Text, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_project_decision'),
        sa.ForeignKeyConstraint(
            ['community_id'], ['community.id'], name='fk_project_decision_community_id_community'
        ),
        sa.ForeignKeyConstraint(
            ['community_id', 'project_id'],
            ['project.community_id', 'project.id'],
            name='fk_project_decision_project',
        ),
        sa.UniqueConstraint(
            'community_id',
            'project_id',
            'route',
            name='uq_project_decision_community_id_project_id_route',
        ),
    )


def downgrade() -> None:
    op.drop_table('project_decision')
    op.drop_column('project', 'asked_by')

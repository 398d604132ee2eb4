"""Up, down and up again with data in the tables; and nothing of the models is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text

from app.communities.setting_operations import change_area_setting
from app.config import ROOT
from app.conventions import operations as conventions
from app.conventions.models import Convention
from app.conventions.rules import State
from app.core.actor import SYSTEM, Role
from app.core.db import Base, db
from app.core.record import RecordEntry, RecordLog
from app.discussion import operations as opinions
from app.discussion.models import Post
from tests.conventions.test_journey import TEXT
from tests.support.world import World

if TYPE_CHECKING:
    from flask import Flask

FOLDER = str(ROOT / "migrations")


def test_up_down_up_with_data_in_the_tables(app: Flask) -> None:
    world = World(app)
    place = world.community(households=3)
    poll = world.poll(place)
    world.cast(world.resident(place), place, poll, "yes")
    db.session.remove()
    upgrade(FOLDER)
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM ballot")).scalar() == 1
    downgrade(FOLDER, revision="base")
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade(FOLDER)
    assert set(Base.metadata.tables) <= set(inspect(db.engine).get_table_names())


def test_the_models_and_the_migrations_agree(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Base.metadata) == []


def test_answers_to_opinions_survive_the_way_down_and_up(app: Flask) -> None:
    world = World(app)
    place = world.community("HXL", 1)
    clerk, post = world.clerk(place), world.post(place, f"topic:{world.topic(place)}")
    opinions.publish_post(clerk, community_id=place.id, post_id=post)
    for said in ("先量一量", "量过了，放得下"):
        opinions.reply(clerk, community_id=place.id, post_id=post, text=said)
    before = db.session.scalars(select(Post.answers)).one()
    db.session.remove()
    downgrade(FOLDER, revision="9c1d5be3a0f2")
    with db.engine.connect() as connection:
        row = connection.execute(text("SELECT reply, replied_as FROM post")).one()
    assert tuple(row) == ("量过了，放得下", "committee_clerk")
    upgrade(FOLDER)
    assert db.session.scalars(select(Post.answers)).one() == before[-1:], "there was room for one"
    db.session.remove()


def test_when_a_convention_was_handed_in_is_read_from_the_record(app: Flask) -> None:
    world = World(app)
    place, other = world.community("HXL", 1), world.community("YYL", 1)
    for one, steps in ((place, (State.CONSULTING, State.SUBMITTED)), (other, (State.CONSULTING,))):
        conventions.draft_convention(SYSTEM, community_id=one.id, text=TEXT)
        for to in steps:
            conventions.move_convention(SYSTEM, community_id=one.id, number=1, to=to)
    before = db.session.scalar(
        select(Convention.submitted_at).where(Convention.community_id == place.id)
    )
    assert before is not None
    db.session.remove()
    downgrade(FOLDER, revision="7be0a41c92d5")
    upgrade(FOLDER)
    found = select(Convention.submitted_at).order_by(Convention.community_id)
    assert db.session.scalars(found).all() == [before.replace(microsecond=0), None]
    db.session.remove()


def test_places_that_were_there_get_a_log_and_communities_keep_theirs(app: Flask) -> None:
    world = World(app)
    place = world.community("HXL", 3)
    poll = world.poll(place)
    world.cast(world.resident(place), place, poll, "yes")
    wanted = select(RecordEntry.seq, RecordEntry.leaf, RecordEntry.entry).order_by(RecordEntry.seq)
    before = db.session.execute(wanted).all()
    change_area_setting(
        world.staff(place, Role.CITY).actor,
        jurisdiction_id=place.city_id,
        key="publication_days",
        value="20",
        seen="",
        reason="多公示几天",
    )
    db.session.remove()
    downgrade(FOLDER, revision="c4d8e1b07f35")
    with db.engine.connect() as connection:
        codes = connection.execute(text("SELECT code FROM record_log")).scalars().all()
    assert codes == ["HXL"], "an older program knows no other log"
    upgrade(FOLDER)
    assert db.session.execute(wanted).all() == before
    logs = dict(db.session.execute(select(RecordLog.code, RecordLog.size)).all())  # type: ignore[arg-type]
    assert logs == {"HXL": len(before), "d-CHXL": 0, "d-DHXL": 0, "d-SHXL": 0}
    change_area_setting(
        world.staff(place, Role.CITY).actor,
        jurisdiction_id=place.city_id,
        key="publication_days",
        value="25",
        seen="",
        reason="再多几天",
    )
    world.cast(world.resident(place, 1), place, poll, "no")
    db.session.remove()

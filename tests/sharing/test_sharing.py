"""提级: lifted with a reason, taken up or returned, shared, talked over, published, archived."""

from __future__ import annotations

import io
import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.communities import operations as communities
from app.communities import queries as places
from app.communities import setting_operations as settings
from app.communities.models import Community
from app.consultations import operations as topics
from app.consultations import queries as topic_queries
from app.consultations.rules import State, plain_moves
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import Above, RecordEntry
from app.discussion.rules import PostState as SharedPosts
from app.exports import archive
from app.exports import operations as exports
from app.sharing import operations, queries, saying
from app.sharing.models import SharedOpinion, SharedTopic
from app.sharing.rules import SharedState
from tests.support.checked_client import CheckedClient
from tests.support.world import Place, World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask

    from app.core.actor import Actor

WHY = "两个社区共用一条路"


@pytest.fixture
def world(app: Flask, fixed_clock: datetime) -> World:
    return World(app)


def neighbour(world: World, place: Place, code: str = "BYL", name: str = "白杨里社区") -> Place:
    """Another community of the same subdistrict."""
    community_id = communities.add_community(
        SYSTEM,
        communities.NewCommunity(
            code=code,
            name=name,
            jurisdiction_id=place.street_id,
            desk_phone="10000000003",
            office="1 号楼",
            hours="",
            intro="",
            demo=False,
        ),
    )
    lines = ["小区,楼栋,单元,房号,户主,联系电话"]
    lines += [f"二区,1,1,{n},住户{code}{n},1000{n:07d}" for n in range(1, 4)]
    data = "\n".join(lines).encode()
    communities.import_roll(SYSTEM, community_id=community_id, data=data, file_name="roll.csv")
    ids = tuple(a.household_id for a in places.households_for_letters(community_id))
    return Place(community_id, code, ids, place.district_id, place.street_id, place.city_id)


def lift(world: World, place: Place, title: str = "门前的路谁来修") -> str:
    topic = world.topic(place, State.SCREENING, title)
    operations.lift_topic(world.clerk(place), community_id=place.id, topic_id=topic, reason=WHY)
    return topic


def officer(world: World, place: Place, role: Role = Role.SUBDISTRICT) -> Actor:
    return world.staff(place, role).actor


def share(world: World, place: Place, *codes: str, lifts: tuple[str, ...] = ()) -> str:
    waiting = tuple(one.public_id for one in queries.waiting_lifts(place.street_id))
    return operations.share_topic(
        officer(world, place),
        jurisdiction_id=place.street_id,
        new=operations.NewShared(
            lifts or waiting, codes, "共用的路怎么修", "路坏了。", "怎么分工？"
        ),
    )


def write(author: Actor, place: Place, shared: str, text: str, once: str = "") -> None:
    saying.write_opinion(
        author, community_id=place.id, shared_id=shared, text=text, once=once or text
    )


def state_of(place: Place, topic: str) -> State:
    return topic_queries.topic(place.id, topic).line.state


def log_of(tenant: int | Above) -> list[dict[str, object]]:
    mine = (
        RecordEntry.jurisdiction_id == tenant.jurisdiction_id
        if isinstance(tenant, Above)
        else RecordEntry.community_id == tenant
    )
    rows = db.session.scalars(select(RecordEntry.entry).where(mine).order_by(RecordEntry.seq))
    return [json.loads(row) for row in rows]


def waiting_ids() -> list[str]:
    return list(db.session.scalars(select(SharedOpinion.public_id).order_by(SharedOpinion.id)))


def finish(world: World, place: Place) -> None:
    """Publish and answer everything that was written."""
    staff = officer(world, place)
    for one in waiting_ids():
        here = {"jurisdiction_id": place.street_id, "opinion_id": one}
        operations.publish_opinion(staff, cover="", **here)
        operations.dispose_opinion(staff, disposition="adopted", why="照办", **here)


def test_the_whole_thread_from_two_communities_to_their_archives(
    world: World, tmp_path: Path
) -> None:
    first = world.community("HXL", 3)
    second = neighbour(world, first)
    mine, theirs = lift(world, first), lift(world, second, "路灯也坏了")
    assert state_of(first, mine) is State.ESCALATED
    shared = share(world, first, "HXL", "BYL")
    assert state_of(first, mine) is State.ESCALATED, "until the outcome"
    write(world.resident(first), first, shared, "先修路面，电话 13800001111")
    write(world.resident(second), second, shared, "再装路灯")
    finish(world, first)
    settings.change_area_setting(
        officer(world, first),
        jurisdiction_id=first.street_id,
        key="publication_days",
        value="20",
        seen="",
        reason="多看几天",
    )
    operations.publish_outcome(
        officer(world, first),
        jurisdiction_id=first.street_id,
        shared_id=shared,
        text="两边各出一半。",
    )
    view = queries.shared_topic(first.street_id, shared)
    assert view.state is SharedState.PUBLISHED
    assert view.publication_until is not None
    days = clock.day_of(view.publication_until) - clock.day_of(clock.now())
    assert days == timedelta(days=21), "twenty whole days after today"
    for place, topic in ((first, mine), (second, theirs)):
        assert state_of(place, topic) is State.ARCHIVED
        assert queries.lifted_to(place.id, f"topic:{topic}") == ("SHXL", shared)
        moved = [e["data"]["to"] for e in log_of(place.id) if e["kind"] == "topic.moved"]  # type: ignore[index]
        assert moved == ["screening", "escalated", "archived"]
        assert log_of(place.id)[-1]["actor"] == "subdistrict"
    kinds = [entry["kind"] for entry in log_of(Above(first.street_id))]
    assert kinds == [
        *["topic.lifted"] * 2,
        "shared.opened",
        *["shared.post_published", "shared.disposed"] * 2,
        "setting.changed",
        "shared.outcome",
    ]
    whole = json.dumps(log_of(Above(first.street_id)), ensure_ascii=False)
    assert not any(word in whole for word in (WHY, "路面", "照办", "住户"))
    texts = [one.text for one in queries.opinions(view.id, *SharedPosts)]
    assert texts == ["先修路面，电话 138********", "再装路灯"]
    path = tmp_path / "record.zip"
    with path.open("wb") as out:
        exports.export_area_record(SYSTEM, area=places.area_by_id(first.street_id), out=out)
    assert archive.verdict(path).exit_code == 0


def test_a_committee_cannot_move_on_what_it_lifted_nor_lift_it_twice(world: World) -> None:
    place = world.community("HXL", 1)
    topic = lift(world, place)
    assert plain_moves(State.ESCALATED) == frozenset()
    for to in (State.ACCEPTED, State.ARCHIVED):
        with pytest.raises(RuleBroken, match="wrong_state"):
            topics.move_topic(
                world.clerk(place), community_id=place.id, topic_id=topic, to=to, note="办"
            )
    with pytest.raises(RuleBroken, match="wrong_state"):
        operations.lift_topic(world.clerk(place), community_id=place.id, topic_id=topic, reason=WHY)
    assert len(queries.waiting_lifts(place.street_id)) == 1


def test_lifting_twice_at_once_lifts_once(app: Flask, world: World) -> None:
    place = world.community("HXL", 1)
    topic, clerk = world.topic(place, State.SCREENING), world.clerk(place)
    ready, said = threading.Barrier(2), []

    def act() -> None:
        with app.app_context():
            ready.wait()
            try:
                operations.lift_topic(clerk, community_id=place.id, topic_id=topic, reason=WHY)
                said.append("done")
            except RuleBroken as error:
                said.append(error.code)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["done", "topic.wrong_state"]
    db.session.rollback()
    assert len(queries.waiting_lifts(place.street_id)) == 1


@pytest.mark.parametrize("state", [State.PROPOSED, State.ACCEPTED])
def test_only_what_is_being_screened_is_lifted_and_with_a_reason(
    world: World, state: State
) -> None:
    place = world.community("HXL", 1)
    clerk = world.clerk(place)
    with pytest.raises(RuleBroken, match="wrong_state"):
        operations.lift_topic(
            clerk, community_id=place.id, topic_id=world.topic(place, state), reason=WHY
        )
    with pytest.raises(RuleBroken, match="no_reason"):
        operations.lift_topic(
            clerk,
            community_id=place.id,
            topic_id=world.topic(place, State.SCREENING),
            reason=" ",
        )
    assert queries.waiting_lifts(place.street_id) == []
    assert log_of(Above(place.street_id)) == []


def test_a_returned_topic_is_accepted_at_home_with_the_reason(world: World) -> None:
    place = world.community("HXL", 1)
    topic = lift(world, place)
    (waiting,) = queries.waiting_lifts(place.street_id)
    here = {"jurisdiction_id": place.street_id, "lift_id": waiting.public_id}
    with pytest.raises(RuleBroken, match="no_reason"):
        operations.return_topic(officer(world, place), reason="", **here)
    operations.return_topic(officer(world, place), reason="社区自己能办", **here)
    assert state_of(place, topic) is State.ACCEPTED
    assert topic_queries.topic(place.id, topic).moves[-1].note == "社区自己能办"
    assert [e["kind"] for e in log_of(Above(place.street_id))] == [
        "topic.lifted",
        "lift.returned",
    ]
    with pytest.raises(RuleBroken, match="decided_before"):
        operations.return_topic(officer(world, place), reason="再退一次", **here)
    with pytest.raises(RuleBroken, match="decided_before"):
        share(world, place, "HXL", lifts=(waiting.public_id,))


def test_only_communities_of_the_area_share_and_the_origin_always(world: World) -> None:
    place, elsewhere = world.community("HXL", 1), world.community("YYL", 1)
    neighbour(world, place)
    lift(world, place)
    for codes, code in (
        (("HXL", "YYL"), "shared.outside"),
        (("HXL", "NONE"), "shared.outside"),
        (("BYL",), "shared.origin_missing"),
        ((), "shared.origin_missing"),
    ):
        with pytest.raises(RuleBroken, match=code.partition(".")[2]):
            share(world, place, *codes)
    assert db.session.scalars(select(SharedTopic.id)).all() == []
    lift(world, elsewhere)
    (theirs,) = queries.waiting_lifts(elsewhere.street_id)
    with pytest.raises(NotFound):
        share(world, place, "HXL", lifts=(theirs.public_id,))


def test_only_residents_of_sharing_communities_write(world: World) -> None:
    first = world.community("HXL", 2)
    second, third = neighbour(world, first), neighbour(world, first, "SLL", "石榴里社区")
    lift(world, first)
    shared = share(world, first, "HXL", "BYL")
    write(world.resident(second), second, shared, "可以", "once")
    with pytest.raises(NotFound):
        write(world.resident(third), third, shared, "我也要说")
    with pytest.raises(NotAllowed):
        write(world.resident(third), second, shared, "冒充别的社区")
    with pytest.raises(NotAllowed):
        write(world.clerk(first), first, shared, "工作人员")
    assert len(waiting_ids()) == 1


def test_the_same_form_twice_is_one_opinion(world: World) -> None:
    place = world.community("HXL", 1)
    lift(world, place)
    shared, author = share(world, place, "HXL"), world.resident(place)
    for _ in range(2):
        write(author, place, shared, "一样的话", "same")
    assert len(waiting_ids()) == 1


def test_the_outcome_waits_for_every_opinion_and_comes_once(world: World) -> None:
    place = world.community("HXL", 1)
    lift(world, place)
    shared, staff = share(world, place, "HXL"), officer(world, place)
    here = {"jurisdiction_id": place.street_id}
    write(world.resident(place), place, shared, "请快些")
    with pytest.raises(RuleBroken, match="unmoderated"):
        operations.publish_outcome(staff, shared_id=shared, text="好。", **here)
    (one,) = waiting_ids()
    operations.publish_opinion(staff, opinion_id=one, cover="快", **here)
    with pytest.raises(RuleBroken, match="undisposed"):
        operations.publish_outcome(staff, shared_id=shared, text="好。", **here)
    with pytest.raises(RuleBroken, match="wrong_state"):
        operations.return_opinion(staff, opinion_id=one, reason="insult", **here)
    operations.dispose_opinion(staff, opinion_id=one, disposition="partly", why="尽快", **here)
    operations.publish_outcome(staff, shared_id=shared, text="好。", **here)
    for late in (
        lambda: operations.publish_outcome(staff, shared_id=shared, text="改。", **here),
        lambda: operations.dispose_opinion(
            staff, opinion_id=one, disposition="adopted", why="改", **here
        ),
        lambda: write(world.resident(place), place, shared, "来晚了"),
    ):
        with pytest.raises(RuleBroken, match="closed"):
            late()


def test_an_opinion_given_back_says_why_and_is_decided_once(world: World) -> None:
    place = world.community("HXL", 3)
    lift(world, place)
    shared = share(world, place, "HXL")
    author = world.resident(place)
    write(author, place, shared, "他家的车总停在路口")
    (one,) = waiting_ids()
    here = {"jurisdiction_id": place.street_id, "opinion_id": one}
    staff = officer(world, place)
    with pytest.raises(RuleBroken, match=r"post\.wrong_state"):
        operations.dispose_opinion(staff, disposition="adopted", why="照办", **here)
    with pytest.raises(RuleBroken, match=r"post\.nothing_to_cover"):
        operations.publish_opinion(staff, cover="没有这几个字", **here)
    operations.return_opinion(staff, reason="personal_data", note="请不要点名", **here)
    db.session.rollback()
    assert db.session.scalars(select(SharedOpinion.state)).one() == SharedPosts.RETURNED
    returned = log_of(Above(place.street_id))[-1]
    assert returned["kind"] == operations.RETURNED.name
    assert "请不要点名" not in str(returned), "free text is a commitment"
    for again in (operations.return_opinion, operations.publish_opinion):
        more = {"reason": "personal_data"} if again is operations.return_opinion else {"cover": ""}
        with pytest.raises(RuleBroken, match=r"post\.wrong_state"):
            again(staff, **here, **more)
    operations.publish_outcome(
        staff, jurisdiction_id=place.street_id, shared_id=shared, text="一起修"
    )
    with pytest.raises(RuleBroken, match=r"shared\.closed"):
        write(author, place, shared, "再说一句")


def test_what_is_not_there_or_says_nothing_is_refused(world: World) -> None:
    place = world.community("HXL", 3)
    lift(world, place)
    staff, street = officer(world, place), place.street_id
    with pytest.raises(NotFound):
        operations.publish_outcome(staff, jurisdiction_id=street, shared_id="nowhere", text="无")
    with pytest.raises(NotFound):
        operations.publish_opinion(staff, jurisdiction_id=street, opinion_id="nowhere", cover="")
    waiting = tuple(one.public_id for one in queries.waiting_lifts(street))
    for text, problem in ((" ", "shared.empty"), ("长" * 5000, "shared.too_long")):
        new = operations.NewShared(waiting, ("HXL",), "题", text, "怎么办？")
        with pytest.raises(RuleBroken, match=problem):
            operations.share_topic(staff, jurisdiction_id=street, new=new)
    assert [one.public_id for one in queries.waiting_lifts(street)] == list(waiting)


def test_a_community_right_below_a_district_has_nobody_to_lift_to(world: World) -> None:
    place = world.community("HXL", 3)
    topic = world.topic(place, State.SCREENING, "门前的路谁来修")
    below = db.session.get_one(Community, place.id)
    below.jurisdiction_id = place.district_id
    db.session.commit()
    with pytest.raises(RuleBroken, match=r"shared\.no_subdistrict"):
        operations.lift_topic(world.clerk(place), community_id=place.id, topic_id=topic, reason=WHY)
    assert state_of(place, topic) is State.SCREENING


def test_nobody_else_handles_what_was_lifted(world: World) -> None:
    place, other = world.community("HXL", 1), world.community("YYL", 1)
    lift(world, place)
    (waiting,) = queries.waiting_lifts(place.street_id)
    here = {"jurisdiction_id": place.street_id, "lift_id": waiting.public_id, "reason": "退"}
    for actor in (
        officer(world, place, Role.DISTRICT),
        officer(world, place, Role.CITY),
        officer(world, place, Role.ADMINISTRATOR),
        officer(world, other),
        world.clerk(place),
        world.resident(place),
    ):
        with pytest.raises(NotAllowed):
            operations.return_topic(actor, **here)
    with pytest.raises(NotFound):
        operations.return_topic(
            officer(world, other),
            jurisdiction_id=other.street_id,
            lift_id=waiting.public_id,
            reason="退",
        )


# --- pages -------------------------------------------------------------------------------------


def test_nothing_else_opens_between_the_communities(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    first = world.community("HXL", 2)
    second, third = neighbour(world, first), neighbour(world, first, "SLL", "石榴里社区")
    mine = lift(world, first)
    closed = world.topic(first, title="只是我们自己的事")
    shared = share(world, first, "HXL", "BYL")
    write(world.resident(second), second, shared, "CANARY 的意见")
    address = f"/d/SHXL/topics/{shared}"
    assert "共用的路怎么修" in client.get("/c/BYL/topics/").text
    assert "共用的路怎么修" not in client.get("/c/SLL/topics/").text
    assert "CANARY" not in client.get(address).text, "not before moderation"
    assert address in client.get(f"/c/HXL/topics/{mine}").text
    for wrong in (f"/c/BYL/topics/{mine}", f"/c/BYL/topics/{closed}", f"/d/DHXL/topics/{shared}"):
        assert client.get(wrong).status_code == 404, wrong
    client.enter(world, third, 0)
    page = client.get(address)
    assert f"/c/SLL/shared/{shared}" not in page.text
    for code in ("HXL", "BYL", "SLL"):
        wrong = client.post(f"/c/{code}/shared/{shared}", {"text": "我也说", "once": "x"})
        assert wrong.status_code == 404, code
    clerk = CheckedClient(web_app)
    clerk.staff(world.staff(second))
    for wrong in (f"/c/HXL/desk/topics/{mine}", "/c/HXL/desk/", "/d/SHXL/desk/topics"):
        assert clerk.get(wrong).status_code == 404, wrong
    assert clerk.post(f"/c/HXL/desk/topics/{closed}/lift", {"reason": "x"}).status_code == 404
    assert clerk.post(f"/c/BYL/desk/topics/{closed}/lift", {"reason": "x"}).status_code == 404
    db.session.rollback()
    assert state_of(first, closed) is State.ACCEPTED


def test_a_journey_through_the_pages(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    first = world.community("HXL", 2)
    second = neighbour(world, first)
    topic = world.topic(first, State.SCREENING, "门前的路谁来修")
    clerk = CheckedClient(web_app)
    clerk.staff(world.staff(first))
    desk = f"/c/HXL/desk/topics/{topic}"
    assert "提到街道" in clerk.get(desk).text
    assert clerk.post(f"{desk}/lift", {"reason": ""}).status_code == 303
    assert "没有" in clerk.get(desk).text, "a reason is owed"
    assert clerk.post(f"{desk}/lift", {"reason": WHY}).status_code == 303
    assert "等街道答复" in clerk.get(desk).text

    street = CheckedClient(web_app)
    street.staff(world.staff(first, Role.SUBDISTRICT))
    assert "提级议题" in street.get("/d/SHXL/").text
    (waiting,) = queries.waiting_lifts(first.street_id)
    page = f"/d/SHXL/desk/lifted/{waiting.public_id}"
    assert WHY in street.get(page).text
    said = {"title": "共用的路", "background": "坏了。", "question": "怎么修？"}
    refused = street.post(f"{page}/share", said | {"communities": "BYL"})
    assert refused.status_code == 422
    assert "提上来的社区都要一起商量" in refused.text
    assert street.post(f"{page}/return", {"reason": ""}).status_code == 422
    assert street.post(f"{page}/share", said | {"communities": ["HXL", "BYL"]}).status_code == 303
    assert street.get(page).status_code == 404
    db.session.rollback()
    (line,) = queries.shared_of_area(first.street_id)
    address = f"/d/SHXL/topics/{line.public_id}"

    client.enter(world, second, 0)
    form = client.fields(address, f"/c/BYL/shared/{line.public_id}")
    assert client.post(f"/c/BYL/shared/{line.public_id}", form | {"text": ""}).status_code == 422
    assert (
        client.post(f"/c/BYL/shared/{line.public_id}", form | {"text": "修宽一点"}).status_code
        == 303
    )
    assert "等待审核" in client.get(address).text
    assert "修宽一点" in client.get("/c/BYL/mine/data").text
    db.session.rollback()
    (opinion,) = waiting_ids()
    about = f"/d/SHXL/desk/opinions/{opinion}"
    assert "修宽一点" in street.get(about).text
    assert street.post(f"{about}/return", {"reason": ""}).status_code == 422
    assert street.post(f"{about}/nothing").status_code == 404
    assert street.post(f"{about}/publish", {"cover": ""}).status_code == 303
    here = f"/d/SHXL/desk/topics/{line.public_id}"
    early = street.post(f"{here}/outcome", {"text": "两边各出一半。"})
    assert early.status_code == 422
    assert "没有答复" in early.text
    answer = {"disposition": "adopted", "why": "放宽到四米"}
    assert street.post(f"{about}/answer", answer).status_code == 303
    assert street.post(f"{here}/outcome", {"text": "两边各出一半。"}).status_code == 303
    shown = CheckedClient(web_app).get(address).text
    assert all(words in shown for words in ("两边各出一半。", "修宽一点", "放宽到四米", "公示到"))
    assert "住户" not in shown
    assert "街道协商" in client.get("/c/BYL/topics/").text
    assert address in client.get(f"/c/HXL/topics/{topic}").text
    log = CheckedClient(web_app).get("/d/SHXL/record").text
    assert "公布协商结果" in log
    assert io.BytesIO(CheckedClient(web_app).get("/d/SHXL/record.zip").data).read(2) == b"PK"

"""On a shared topic a body speaks through whoever acts for it: here, in this, and now."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.bodies import operations as bodies
from app.bodies import steps as scopes
from app.core import clock
from app.core.actor import Actor, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import Above
from app.discussion.rules import PostState
from app.keeping import persons
from app.people import member_queries
from app.people import queries as people
from app.people.models import SecurityEvent
from app.sharing import operations, queries, saying
from app.sharing.models import SharedOpinion
from tests.sharing.test_sharing import lift, log_of, neighbour, officer, share, waiting_ids
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place

NAME = "一区业主委员会"


@pytest.fixture
def world(app: Flask, fixed_clock: datetime) -> World:
    return World(app)


class Talk:
    """A topic that two of three communities share, and a body of each of the three."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.first = world.community("HXL", 3)
        self.second = neighbour(world, self.first)
        self.third = neighbour(world, self.first, "SLL", "石榴里社区")
        self.topic = lift(world, self.first)
        self.shared = share(world, self.first, "HXL", "BYL")
        self.body = world.body(self.first)
        self.street = self.first.street_id

    def delegate(self, place: Place, body: str, scope: str = "", days: int = 30) -> Actor:
        """Somebody who works there, lives nowhere here, and acts for a body."""
        person = self.world.staff(place, Role.DESIGNER).actor
        self.world.acting(place, body, person, scope, days)
        return with_grants(person)

    def say(
        self, actor: Actor, body: str, place: Place | None = None, text: str = "我们出一半"
    ) -> None:
        saying.write_opinion(
            actor,
            community_id=(place or self.first).id,
            shared_id=self.shared,
            text=text,
            once=text,
            body=body,
        )


def with_grants(person: Actor) -> Actor:
    """Somebody with the roles they hold now."""
    grants = people.grants_of(person.require_person(), clock.now(), staff=True)
    return replace(person, grants=tuple(grants))


def refused() -> list[object]:
    db.session.rollback()
    kind = SecurityEvent.kind == "acting.attempt_refused"
    rows = db.session.scalars(select(SecurityEvent).where(kind).order_by(SecurityEvent.id))
    return [row.facts["why"] for row in rows]


def written() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(SharedOpinion.id))) or 0


@pytest.mark.parametrize("scope", ["", "topic", "shared"])
def test_whoever_acts_in_it_speaks_and_the_body_is_named(world: World, scope: str) -> None:
    talk = Talk(world)
    thing = {"": "", "topic": f"topic:{talk.topic}", "shared": f"shared:SHXL/{talk.shared}"}[scope]
    if scope == "topic":
        # Given while it waited; what became of it is reached all the same.
        thing = f"topic:{lift(world, talk.second, '路灯也坏了')}"
        body = world.body(talk.second)
        actor = talk.delegate(talk.second, body, thing)
        talk.shared = share(world, talk.first, "HXL", "BYL")
        talk.say(actor, body, talk.second)
        code = "BYL"
    else:
        body, code = talk.body, "HXL"
        talk.say(talk.delegate(talk.first, body, thing), body)
    (one,) = waiting_ids()
    operations.publish_opinion(
        officer(world, talk.first), jurisdiction_id=talk.street, opinion_id=one, cover=""
    )
    entry = log_of(Above(talk.street))[-1]
    assert entry["kind"] == "shared.post_published_for"
    assert entry["data"] == {"shared": talk.shared, "post": one, "community": code, "body": body}
    assert "我们出一半" not in json.dumps(entry, ensure_ascii=False)
    shared = queries.shared_topic(talk.street, talk.shared)
    (shown,) = queries.opinions(shared.id, PostState.PUBLISHED)
    assert (shown.body, shown.body_kind) == (NAME, "owners_committee")
    assert shown.community == {"HXL": "HXL社区", "BYL": "白杨里社区"}[code]


def test_out_of_scope_out_of_time_or_for_nobody_nothing_is_kept(world: World) -> None:
    talk = Talk(world)
    other = world.topic(talk.first, title="别的事")
    outside = talk.delegate(talk.first, talk.body, f"topic:{other}")
    with pytest.raises(RuleBroken, match=r"body\.scope"):
        talk.say(outside, talk.body)
    with pytest.raises(RuleBroken, match=r"body\.none"):
        talk.say(outside, world.body(talk.first, name="二区业主委员会"))
    with pytest.raises(RuleBroken, match=r"body\.only_for_it"):
        talk.say(outside, "")
    brief = talk.delegate(talk.first, talk.body, days=1)
    clock.advance(timedelta(days=1))
    with pytest.raises(RuleBroken, match=r"body\.ended"):
        talk.say(brief, talk.body)
    lasting = talk.delegate(talk.first, talk.body)
    bodies.close_body(
        world.clerk(talk.first), community_id=talk.first.id, body_id=talk.body, reason="撤销"
    )
    with pytest.raises(RuleBroken, match=r"body\.closed"):
        talk.say(lasting, talk.body)
    assert refused() == ["scope", "none", "ended", "closed"]
    assert written() == 0


def test_neighbours_bodies_are_not_there(world: World) -> None:
    talk = Talk(world)
    theirs = world.body(talk.third)
    stranger = talk.delegate(talk.third, theirs)
    with pytest.raises(NotFound):
        talk.say(stranger, theirs, talk.third)
    with pytest.raises(NotAllowed):
        talk.say(stranger, theirs)
    with pytest.raises(NotAllowed):
        talk.say(stranger, talk.body, talk.second)
    # A neighbour's body from a community of one's own that shares the topic.
    sharing = talk.delegate(talk.second, world.body(talk.second))
    with pytest.raises(NotFound):
        talk.say(sharing, talk.body, talk.second)
    assert written() == 0


def test_a_resident_speaks_for_themself_and_for_a_body(world: World) -> None:
    talk = Talk(world)
    person = world.resident(talk.first)
    world.acting(talk.first, talk.body, person)
    for body, text in (("", "我家门口"), (talk.body, "我们出一半"), (talk.body, "我们出一半")):
        talk.say(person, body, text=text)
    shared = queries.shared_topic(talk.street, talk.shared)
    found = queries.opinions(shared.id, PostState.SUBMITTED)
    assert [one.body for one in found] == ["", NAME], "the same form twice is one"


def test_an_appeal_is_for_whoever_still_acts_and_names_the_body_anew(world: World) -> None:
    talk = Talk(world)
    person = world.staff(talk.first, Role.DESIGNER).actor
    acting = world.acting(talk.first, talk.body, person)
    actor = with_grants(person)
    for text in ("第一条", "第二条"):
        talk.say(actor, talk.body, text=text)
    one, other = waiting_ids()
    for each in (one, other):
        operations.return_opinion(
            officer(world, talk.first),
            jurisdiction_id=talk.street,
            opinion_id=each,
            reason="unclear",
        )
    mine = {"community_id": talk.first.id, "text": "说清楚了"}
    saying.appeal_opinion(actor, opinion_id=one, **mine)
    bodies.end_acting(actor, community_id=talk.first.id, acting_id=acting, word="")
    with pytest.raises(RuleBroken, match=r"body\.ended"):
        saying.appeal_opinion(actor, opinion_id=other, **mine)
    assert refused() == ["ended"]
    operations.answer_shared_appeal(
        officer(world, talk.first, Role.DISTRICT),
        jurisdiction_id=talk.first.district_id,
        opinion_id=one,
        upheld=False,
        answer="说得清楚",
    )
    kinds = [entry["kind"] for entry in log_of(Above(talk.street))]
    assert kinds[-2:] == ["shared.appeal_answered", "shared.post_published_for"]
    assert log_of(Above(talk.street))[-1]["data"]["body"] == talk.body  # type: ignore[index]


def test_nobody_decides_on_what_they_wrote(world: World) -> None:
    talk = Talk(world)
    author = talk.delegate(talk.first, talk.body)
    talk.say(author, talk.body)
    (one,) = waiting_ids()
    above = officer(world, talk.first).grants + officer(world, talk.first, Role.DISTRICT).grants
    both = replace(author, grants=author.grants + above)
    here = {"jurisdiction_id": talk.street, "opinion_id": one}
    for attempt in (
        lambda: operations.publish_opinion(both, cover="", **here),
        lambda: operations.return_opinion(both, reason="insult", **here),
    ):
        with pytest.raises(RuleBroken, match=r"post\.own"):
            attempt()
    operations.publish_opinion(officer(world, talk.first), cover="", **here)
    with pytest.raises(RuleBroken, match=r"post\.own"):
        operations.dispose_opinion(both, disposition="adopted", why="好", **here)
    operations.hide_opinion(officer(world, talk.first), reason="insult", **here)
    saying.appeal_opinion(author, community_id=talk.first.id, opinion_id=one, text="没有骂人")
    with pytest.raises(RuleBroken, match=r"post\.own"):
        operations.answer_shared_appeal(
            both,
            jurisdiction_id=talk.first.district_id,
            opinion_id=one,
            upheld=False,
            answer="公布",
        )


@pytest.mark.parametrize("texts", [True, False])
def test_what_a_body_said_stays_when_its_writer_is_erased(world: World, texts: bool) -> None:
    talk = Talk(world)
    person = world.resident(talk.first)
    world.acting(talk.first, talk.body, person)
    for body, text in (("", "我自己说的"), (talk.body, "我们出一半"), (talk.body, "还没审核")):
        talk.say(person, body, text=text)
    for one in waiting_ids()[:2]:
        operations.publish_opinion(
            officer(world, talk.first), jurisdiction_id=talk.street, opinion_id=one, cover=""
        )
    persons.erase_own(person, community_id=talk.first.id, texts=texts)
    db.session.rollback()
    rows = db.session.scalars(select(SharedOpinion).order_by(SharedOpinion.id)).all()
    kept = [(row.text, row.state, row.person_id) for row in rows]
    own = ("", "hidden", None) if texts else ("我自己说的", "published", None)
    assert kept == [own, ("我们出一半", "published", None)]


def test_what_was_taken_up_is_offered_as_what_became_of_it(world: World) -> None:
    talk = Talk(world)
    waits = lift(world, talk.second, "桥也要修")
    found = {one.thing: one for one in scopes.scopes(talk.first.id)}
    assert not found[f"topic:{talk.topic}"].goes_on
    shared = found[f"shared:SHXL/{talk.shared}"]
    assert (shared.goes_on, shared.within) == (True, (f"topic:{talk.topic}",))
    found = {one.thing: one for one in scopes.scopes(talk.second.id)}
    assert (found[f"topic:{waits}"].goes_on, bool(found[f"topic:{waits}"].note)) == (True, True)
    assert found[f"shared:SHXL/{talk.shared}"].within == ()
    assert not [one for one in scopes.scopes(talk.third.id) if one.thing.startswith("shared:")]
    operations.publish_outcome(
        officer(world, talk.first),
        jurisdiction_id=talk.street,
        shared_id=talk.shared,
        text="一起修。",
    )
    found = {one.thing: one for one in scopes.scopes(talk.first.id)}
    assert not found[f"shared:SHXL/{talk.shared}"].goes_on


# --- pages -------------------------------------------------------------------------------------


def test_a_delegate_writes_on_the_page_and_the_subdistrict_moderates(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    talk = Talk(world)
    desk = CheckedClient(web_app)
    desk.staff(world.staff(talk.first))
    offered = desk.get(f"/c/HXL/desk/bodies/{talk.body}/acting").text
    assert "街道协商：共用的路怎么修" in offered
    assert "议题：门前的路谁来修" not in offered
    login = world.staff(talk.first, Role.DESIGNER)
    world.acting(talk.first, talk.body, login.actor, f"shared:SHXL/{talk.shared}")
    client.staff(login)
    address, form = f"/d/SHXL/topics/{talk.shared}", f"/c/HXL/shared/{talk.shared}"
    assert f'href="{address}"' in client.get("/c/HXL/my/bodies").text
    page = client.get(address).text
    assert NAME in page
    assert "我自己（居民）" not in page
    assert "也不写您是哪个社区的" not in page
    fields = client.fields(address, form)
    assert chosen(page) == [talk.body]
    assert client.post(form, fields | {"text": ""}).status_code == 422
    lone = client.post(form, fields | {"text": "只是我", "body": ""})
    assert (lone.status_code, "以单位的名义说" in lone.text) == (422, True)
    assert client.post(form, fields | {"text": "我们出一半"}).status_code == 303
    own = client.get(address).text
    assert "我们出一半" in own
    assert f"HXL社区：{NAME}" in own
    # A delegate of this community is nobody in the other, and in one that shares nothing.
    for code in ("BYL", "SLL"):
        assert client.get(f"/c/{code}/shared/{talk.shared}").status_code == 404
        wrong = client.post(f"/c/{code}/shared/{talk.shared}", {"text": "也说", "body": talk.body})
        assert wrong.status_code == 404
    db.session.rollback()
    (one,) = waiting_ids()
    street = CheckedClient(web_app)
    street.staff(world.staff(talk.first, Role.SUBDISTRICT))
    assert NAME in street.get(f"/d/SHXL/desk/topics/{talk.shared}").text
    about = f"/d/SHXL/desk/opinions/{one}"
    assert NAME in street.get(about).text
    assert street.post(f"{about}/publish", {"cover": ""}).status_code == 303
    shown = CheckedClient(web_app).get(address).text
    assert f"HXL社区：{NAME}" in shown
    assert "设计师" not in shown.partition("大家的意见")[2].partition("</section>")[0]
    assert "公布一条以单位名义写的意见" in CheckedClient(web_app).get("/d/SHXL/record").text


def chosen(page: str) -> list[str]:
    """In whose name a form begins."""
    inputs = re.findall(r'<input[^>]*name="body"[^>]*>', page)
    values = [re.search(r'value="([^"]*)"', one) for one in inputs if " checked" in one]
    return [value[1] for value in values if value is not None]


def newest(place: Place) -> Actor:
    """Whoever came into the first household last, as the operations know them."""
    line = member_queries.members(place.id, place.households[0])[-1]
    return Actor(person_id=line.person_id)


def test_who_has_to_do_with_two_communities_writes_from_either(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    talk = Talk(world)
    client.enter(world, talk.first, 0)
    clock.advance(timedelta(seconds=1))
    client.enter(world, talk.second, 0, add="y")
    theirs = world.body(talk.second, name="二区业主委员会")
    world.acting(talk.second, theirs, newest(talk.second))
    address, here = f"/d/SHXL/topics/{talk.shared}", f"/c/HXL/shared/{talk.shared}"
    there = f"/c/BYL/shared/{talk.shared}"
    page = client.get(here).text
    assert f'action="{here}"' in page
    assert "自己说的，公布时只写“居民”" in page
    assert "二区业主委员会" not in page, "a body speaks from its own community"
    assert f'href="{there}"' in page
    page = client.get(there).text
    assert "二区业主委员会" in page
    assert "我自己（居民）" in page
    assert chosen(page) == [""], "for oneself, unless one chooses"
    fields = client.fields(there, there)
    assert client.post(there, fields | {"text": "出一半", "body": theirs}).status_code == 303
    assert "白杨里社区：二区业主委员会" in client.get(address).text
    wrong = client.post(here, client.fields(here, here) | {"text": "那边", "body": theirs})
    assert wrong.status_code == 404, "a neighbour's body is not there"
    assert written() == 1


def test_who_acts_in_another_thing_is_told_that_here_is_nothing_to_write(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    talk = Talk(world)
    login = world.staff(talk.first, Role.DESIGNER)
    world.acting(talk.first, talk.body, login.actor, f"topic:{world.topic(talk.first)}")
    client.staff(login)
    page = client.get(f"/d/SHXL/topics/{talk.shared}").text
    assert "您代表的单位不在这件事上，这里不能写。" in page
    assert "<form" not in page.partition("大家的意见")[2].partition("</main>")[0]
    refused = client.post(f"/c/HXL/shared/{talk.shared}", {"text": "也说", "body": talk.body})
    assert (refused.status_code, "不是在这件事上" in refused.text) == (422, True)


def test_own_data_says_for_whom(
    client: CheckedClient, web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    talk = Talk(world)
    client.enter(world, talk.first, 0)
    world.acting(talk.first, talk.body, newest(talk.first))
    form = f"/c/HXL/shared/{talk.shared}"
    fields = client.fields(f"/d/SHXL/topics/{talk.shared}", form)
    client.post(form, fields | {"text": "我们出一半", "body": talk.body})
    kept = json.loads(client.get("/c/HXL/mine/data.json").data)["kept"]["opinions"]["items"]
    assert [(one["about"], one["said_for"]) for one in kept] == [("shared", NAME)]

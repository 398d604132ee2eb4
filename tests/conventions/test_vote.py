"""A version of the convention is adopted by a vote of every household on exactly its text."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.communities.queries import community_by_id
from app.conventions import operations, queries
from app.conventions.models import Convention
from app.conventions.rules import State
from app.core import clock, jobs
from app.core.actor import SYSTEM, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.links import Link
from app.exports import operations as exports
from app.exports import poll_report, verify_record
from app.voting import operations as voting
from app.voting import queries as polls
from app.voting.rules import Method, PollKind, PollState, Rules, ShareTest, meeting_rules
from tests.conventions.test_journey import PASSED, TEXT, in_force
from tests.exports.papers import words_of
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask

    from app.conventions.operations import ConventionText
    from tests.support.world import Place

OTHER = replace(TEXT, preamble="商量着办，说到做到。")


def handed_in(place: Place, text: ConventionText = TEXT, *, to: State = State.SUBMITTED) -> int:
    """The next version, as far as this state."""
    number = operations.draft_convention(SYSTEM, community_id=place.id, text=text)
    for state in (State.CONSULTING, State.SUBMITTED):
        if list(State).index(state) <= list(State).index(to):
            operations.move_convention(SYSTEM, community_id=place.id, number=number, to=state)
    return number


def adopt(place: Place, number: int, poll: str) -> None:
    operations.adopt_by_poll(SYSTEM, community_id=place.id, number=number, poll=poll)


def change(place: Place, number: int, **values: object) -> None:
    """Write over a version past all rules, as no page can."""
    with transaction() as session:
        session.execute(
            update(Convention)
            .where(Convention.community_id == place.id, Convention.number == number)
            .values(**values)
        )


def state_of(place: Place, number: int) -> State:
    found = queries.version(place.id, number).state
    db.session.rollback()
    return found


# --- what adopts, and what does not ------------------------------------------------------------


def test_a_published_vote_on_the_text_adopts_it_with_its_numbers(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 5)
    number = handed_in(place)
    poll = world.text_poll(place, "convention:1")
    with pytest.raises(RuleBroken, match=r"convention\.no_poll"):
        adopt(place, number, poll)
    world.decide(place, poll, "yes", "yes", "no", publish=False)
    with pytest.raises(RuleBroken, match=r"convention\.no_poll"):
        adopt(place, number, poll)
    voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)
    adopt(place, number, poll)
    view = queries.version(place.id, number)
    assert (view.state, view.body, view.poll) == (State.ADOPTED, "poll", poll)
    assert (view.base, view.present, view.in_favour) == (5, 3, 2)
    edges = {(one.source, one.relation, one.target) for one in db.session.scalars(select(Link))}
    assert (f"poll:{poll}", "asks_about", "convention:1") in edges
    assert (f"poll:{poll}", "adopts", "convention:1") in edges
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"convention\.wrong_state"):
        adopt(place, number, poll)


@pytest.mark.parametrize(
    ("choices", "outcome"),
    [
        (("yes", "yes"), "no_quorum"),
        (("yes", "no", "abstain"), "rejected"),
        (("yes", "yes", "no", "no"), "rejected"),
    ],
    ids=["half-of-the-households", "abstainers-took-part", "half-of-those-who-took-part"],
)
def test_half_is_not_more_than_half(
    world: World, fixed_clock: datetime, choices: tuple[str, ...], outcome: str
) -> None:
    place = world.community("HXL", 4)
    number = handed_in(place)
    poll = world.text_poll(place, "convention:1")
    world.decide(place, poll, *choices)
    assert polls.result_view(place.id, poll).outcome == outcome
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"convention\.poll_not_passed"):
        adopt(place, number, poll)
    assert state_of(place, number) is State.SUBMITTED


def test_a_vote_on_a_project_adopts_nothing(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 3)
    number = handed_in(place)
    poll = world.poll(place, title="您同意这份公约吗？")
    world.decide(place, poll, "yes", "yes", "yes")
    assert polls.result_view(place.id, poll).outcome == "passed"
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"convention\.no_poll"):
        adopt(place, number, poll)


def test_a_vote_from_before_the_text_was_handed_in_adopts_nothing(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 3)
    number = handed_in(place)
    poll = world.text_poll(place, "convention:1")
    world.decide(place, poll, "yes", "yes", "yes")
    for moment in (clock.now(), None):
        change(place, number, submitted_at=moment)
        with pytest.raises(RuleBroken, match=r"convention\.poll_before"):
            adopt(place, number, poll)


def test_a_vote_on_another_version_or_on_a_text_that_changed_adopts_nothing(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 3)
    first = handed_in(place)
    poll = world.text_poll(place, "convention:1")
    world.decide(place, poll, "yes", "yes", "yes")
    change(place, first, text_sha256=OTHER.sha256)
    with pytest.raises(RuleBroken, match=r"convention\.poll_other"):
        adopt(place, first, poll)
    change(place, first, text_sha256=TEXT.sha256)
    adopt(place, first, poll)
    operations.publish_convention(
        SYSTEM, community_id=place.id, number=first, filed_with="街道", filing_number="备1"
    )
    # The very same words again are another version all the same.
    second = handed_in(place)
    with pytest.raises(RuleBroken, match=r"convention\.poll_before"):
        adopt(place, second, poll)
    change(place, second, submitted_at=fixed_clock - timedelta(days=1))
    with pytest.raises(RuleBroken, match=r"convention\.poll_other"):
        adopt(place, second, poll)
    assert state_of(place, second) is State.SUBMITTED


def test_a_neighbours_vote_and_a_neighbours_text_are_none_of_ours(
    world: World, fixed_clock: datetime
) -> None:
    ours, theirs = world.community("HXL", 3), world.community("YYL", 3)
    number = handed_in(ours)
    handed_in(theirs)
    poll = world.text_poll(theirs, "convention:1")
    world.decide(theirs, poll, "yes", "yes", "yes")
    with pytest.raises(RuleBroken, match=r"convention\.no_poll"):
        adopt(ours, number, poll)
    operations.adopt_by_meeting(SYSTEM, community_id=theirs.id, number=1, resolution=PASSED)
    operations.publish_convention(
        SYSTEM, community_id=theirs.id, number=1, filed_with="街道", filing_number="备1"
    )
    assert handed_in(theirs, OTHER) == 2
    with pytest.raises(NotFound):
        world.text_draft(ours, "convention:2")


# --- what can be asked -------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.DRAFT, State.CONSULTING, State.ADOPTED, State.PUBLISHED])
def test_only_a_text_that_was_handed_in_and_waits_can_be_voted_on(
    world: World, fixed_clock: datetime, state: State
) -> None:
    place = world.community("HXL", 2)
    if state is State.PUBLISHED:
        in_force(world, place)
    else:
        number = handed_in(place, to=state)
    if state is State.ADOPTED:
        operations.adopt_by_meeting(SYSTEM, community_id=place.id, number=number, resolution=PASSED)
    with pytest.raises(RuleBroken, match=r"convention\.not_to_vote"):
        world.text_draft(place, "convention:1")


def test_of_two_votes_on_one_text_only_one_runs_at_a_time(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 3)
    handed_in(place)
    first, second = (world.text_draft(place, "convention:1") for _ in range(2))
    voting.open_poll(SYSTEM, community_id=place.id, public_id=first)
    with pytest.raises(RuleBroken, match=r"convention\.vote_runs"):
        voting.open_poll(SYSTEM, community_id=place.id, public_id=second)
    with pytest.raises(RuleBroken, match=r"convention\.vote_runs"):
        world.text_draft(place, "convention:1")
    world.decide(place, first, "no", "no", "no")
    world.text_poll(place, "convention:1")


def test_a_project_is_no_text_and_a_text_no_project(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    world.project(place, "P01")
    handed_in(place)
    for code in ("P01", "convention:0", "convention:7", "convention:1 ", "convention:１", ""):
        with pytest.raises(NotFound):
            world.text_draft(place, code)
    share = ShareTest("participants", 1, 2, ">")
    advice = Rules((), (share,))
    with pytest.raises(NotFound):
        world.text_draft(place, "convention:1", kind=PollKind.PREFERENCE_POLL, rules=advice)


@pytest.mark.parametrize(
    "lowered",
    [
        Rules((), (ShareTest("participants", 1, 2, ">"),), matter="convention", effect="binding"),
        replace(meeting_rules("convention"), participation=(ShareTest("electorate", 1, 2, ">="),)),
        replace(meeting_rules("convention"), agreement=(ShareTest("yes_no", 1, 2, ">"),)),
        replace(meeting_rules("convention"), effect="advisory"),
        replace(meeting_rules("convention"), scope="building"),
    ],
    ids=["no-quorum", "half-is-enough", "abstentions-left-out", "advisory", "a-part"],
)
def test_the_shares_of_the_law_cannot_be_lowered(
    world: World, fixed_clock: datetime, lowered: Rules
) -> None:
    place = world.community("HXL", 2)
    handed_in(place)
    with pytest.raises(RuleBroken, match=r"draft\.not_the_law"):
        world.text_draft(place, "convention:1", rules=lowered)


def test_a_preference_poll_cannot_call_itself_binding(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    with pytest.raises(RuleBroken, match=r"draft\.not_the_law"):
        world.draft(place, rules=meeting_rules("facility_project"))
    with pytest.raises(RuleBroken, match=r"draft\.kind_not_offered"):
        world.text_draft(place, "convention:1", method=Method.CHOOSE)


def test_the_committee_asks_and_nobody_else(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    handed_in(place)
    poll = world.text_draft(place, "convention:1")
    stored = polls.draft_view(place.id, poll)
    db.session.rollback()
    assert (stored.kind, stored.projects) == (PollKind.MEETING_RESOLUTION, ("convention:1",))
    others = [
        world.staff(place, Role.SUPERVISOR).actor,
        world.staff(place, Role.DESIGNER).actor,
        world.staff(world.community("YYL", 1)).actor,
        world.resident(place),
    ]
    for actor in others:
        with pytest.raises(NotAllowed):
            voting.open_poll(actor, community_id=place.id, public_id=poll)
        with pytest.raises(NotAllowed):
            voting.discard_draft(actor, community_id=place.id, public_id=poll)
    voting.open_poll(world.staff(place).actor, community_id=place.id, public_id=poll)


def test_every_household_of_the_roll_has_one_ballot_and_no_neighbour_has(
    world: World, fixed_clock: datetime
) -> None:
    place, neighbours = world.community("HXL", 3), world.community("YYL", 1)
    handed_in(place)
    poll = world.text_poll(place, "convention:1")
    first, partner = world.resident(place, 0), world.resident(place, 0)
    world.cast(first, place, poll, "yes")
    with pytest.raises(RuleBroken, match=r"ballot\.other_member"):
        world.cast(partner, place, poll, "no")
    with pytest.raises((NotAllowed, RuleBroken)):
        world.cast(world.resident(neighbours), place, poll, "no")
    view = polls.poll_view(place.id, poll)
    assert (view.heads, view.turnout) == (3, 1)


def test_what_was_adopted_meanwhile_does_not_open_by_itself(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    number = handed_in(place)
    poll = world.text_draft(place, "convention:1")
    at = clock.now() + timedelta(hours=2)
    voting.schedule_poll(SYSTEM, community_id=place.id, public_id=poll, opens_at=at)
    operations.adopt_by_meeting(SYSTEM, community_id=place.id, number=number, resolution=PASSED)
    clock.advance(timedelta(hours=3))
    jobs.run_due()
    assert polls.draft_view(place.id, poll).state is PollState.DRAFT
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"convention\.not_to_vote"):
        voting.open_poll(SYSTEM, community_id=place.id, public_id=poll)


# --- the record --------------------------------------------------------------------------------


def test_the_archive_holds_the_whole_text_and_is_counted_again(
    web_app: Flask, fixed_clock: datetime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(web_app)
    place = world.community("HXL", 24)
    number = handed_in(place)
    poll = world.text_poll(place, "convention:1")
    world.decide(place, poll, *["yes"] * 12, "no", "abstain")
    adopt(place, number, poll)
    path = tmp_path / "record.zip"
    with path.open("wb") as out:
        exports.export_record(SYSTEM, community=community_by_id(place.id), out=out)
    assert verify_record.main([str(path)]) == 0
    assert capsys.readouterr().out.count("重数一致") == 1
    with zipfile.ZipFile(path) as packed:
        told = json.loads(packed.read(f"polls/{poll}.json"))
        card = json.loads(packed.read(f"polls/{poll}.text.json"))["cards"][0]
    definition = told["definition"]
    assert (definition["kind"], definition["projects"]) == ("meeting_resolution", [])
    assert definition["rules"]["effect"] == "binding"
    assert [option["id"] for option in definition["options"]] == ["yes", "no", "abstain"]
    assert told["result"]["result"]["outcome"] == "passed"
    assert (card["id"], card["subject"], card["text_sha256"]) == (
        "convention:1",
        "convention:1",
        TEXT.sha256,
    )
    read = [fact["text"] for fact in card["facts"]]
    assert read == [TEXT.preamble, *(article.text for article in TEXT.articles)]


# --- pages -------------------------------------------------------------------------------------

PROJECT_WORDS = ("花多少", "谁出钱", "项目", "安排项目时参考", "造价", "维护")


def test_by_the_pages_from_the_draft_to_the_adoption(web_app: Flask, fixed_clock: datetime) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    desk, resident = CheckedClient(web_app), CheckedClient(web_app)
    desk.staff(world.staff(place))
    new, page = "/c/HXL/desk/votes/new/meeting", "/c/HXL/desk/convention/1"
    values = {
        "title": "您同意通过“一区公约”吗？",
        "explanation": "征求过两轮意见。",
        "projects": "convention:1",
        "opens_date": "2026-05-21",
        "opens_time": "09:00",
        "closes_date": "2026-05-27",
        "closes_time": "18:00",
    }
    handed_in(place, to=State.CONSULTING)
    assert "现在没有等着表决的文本" in desk.get(new).text
    assert desk.post(new, values).status_code == 422
    operations.move_convention(SYSTEM, community_id=place.id, number=1, to=State.SUBMITTED)
    assert new in desk.get(page).text
    assert new in desk.get("/c/HXL/desk/votes/new").text
    form = desk.get(new).text
    assert "您同意通过“一区公约”吗？" in form, "the question is there to be changed"
    assert "参加的户数要达到" not in form, "the law has set it"
    saved = desk.post(new, values | {"participation": "electorate 1/3 >="})
    assert saved.status_code == 303
    preview = desk.get(saved.location).text
    poll = saved.location.split("/")[-2]
    assert desk.get(f"/c/HXL/desk/votes/{poll}/edit").status_code == 200
    assert poll not in resident.get("/c/HXL/convention/1").text, "a draft is the desk's alone"
    voting.open_poll(SYSTEM, community_id=place.id, public_id=poll)
    assert new not in desk.get(page).text, "while one vote runs no other is drafted"

    resident.enter(world, place, 0)
    assert f"/c/HXL/votes/{poll}" in resident.get("/c/HXL/convention/1").text
    ballot = resident.get(f"/c/HXL/votes/{poll}/ballot").text
    for shown in (preview, ballot, resident.get(f"/c/HXL/votes/{poll}").text):
        assert "居民会议表决" in shown
        assert "看全文" in shown
        for article in TEXT.articles:
            assert article.text in shown
        for word in PROJECT_WORDS:
            assert word not in shown.partition("<main")[2].partition("</main>")[0], word
    fields = resident.fields(f"/c/HXL/votes/{poll}/ballot", f"/c/HXL/votes/{poll}/ballot")
    cast = resident.post(f"/c/HXL/votes/{poll}/ballot", fields | {"choice": "yes"})
    assert cast.status_code == 303
    receipt = resident.get(cast.location).text
    assert "已收到" in receipt
    assert "同意" in receipt
    world.cast(world.resident(place, 1), place, poll, "yes")
    assert "还没有可以登记的表决" in desk.get(page).text

    with clock.set_to(clock.at_local(2026, 5, 27, 18, 1)):
        voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
        voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)
        desk.staff(world.staff(place))
        result = CheckedClient(web_app).get(f"/c/HXL/votes/{poll}/result").text
        assert "“一区公约”通过" in result
        assert "居民会议的决议" in result
        assert "项目" not in result.partition("<main")[2].partition("</main>")[0]
        assert desk.post(f"{page}/adopt-by-poll", {"poll": poll}).status_code == 303
        assert "居民投票通过" in desk.get(page).text
        again = desk.post(f"{page}/adopt-by-poll", {"poll": poll})
        assert again.status_code == 422


def test_papers_and_workbook_name_the_text_and_no_project(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 3)
    handed_in(place)
    poll = world.text_poll(place, "convention:1")
    desk = CheckedClient(web_app)
    desk.staff(world.staff(place))
    poster = desk.raw.get(f"/c/HXL/votes/{poll}/poster.pdf")
    assert "居民会议表决" in words_of(poster.data)
    world.decide(place, poll, "yes", "yes", "yes")
    desk.staff(world.staff(place))
    notice = words_of(desk.raw.get(f"/c/HXL/votes/{poll}/notice.pdf").data)
    assert "居民会议的决议" in notice
    assert "一区公约”通过" in notice
    tables = poll_report.of_poll(place.id, poll)
    told = " ".join(str(cell) for table in tables for row in table.rows for cell in row)
    assert "居民会议表决" in told
    assert "安排项目" not in told


def test_in_english_the_frame_is_english_and_the_text_stays_as_it_was_frozen(
    web_app: Flask, fixed_clock: datetime
) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    handed_in(place)
    poll = world.text_poll(place, "convention:1")
    reader = CheckedClient(web_app)
    shown = reader.get(f"/c/HXL/votes/{poll}", headers={"Accept-Language": "en"}).text
    assert "Vote of the residents’ meeting" in shown
    assert TEXT.articles[1].text in shown
    assert "Preference poll" not in shown

"""Polls over HTTP: what a resident, a visitor and the desk meet."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.communities import queries as places
from app.core import clock, jobs
from app.core.actor import Actor, Role
from app.core.db import db
from app.voting import operations
from app.voting.models import Ballot, Poll
from tests.support.checked_client import CheckedClient
from tests.voting.village import Village, count_rows, found_village

if TYPE_CHECKING:
    from flask import Flask


@pytest.fixture
def town(web_app: Flask, monday: None) -> Village:
    """The village on SQLite, for its pages."""
    return found_village(web_app)


def browse(town: Village, actor: Actor | None = None) -> CheckedClient:
    """A browser that checks every page, signed in as somebody or nobody."""
    client = CheckedClient(town.app)
    if actor is not None:
        client.raw = town.browser(actor)
        client.signed_in = True
    return client


def words(page: str) -> str:
    """What a reader sees of a page."""
    text = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def ballot_at(poll: str) -> str:
    return f"/c/HXL/votes/{poll}/ballot"


def form_of(client: CheckedClient, poll: str) -> dict[str, Any]:
    """The hidden fields of the ballot."""
    fields = client.fields(ballot_at(poll), ballot_at(poll))
    return {name: fields[name] for name in ("csrf_token", "token")}


# --- a resident --------------------------------------------------------------------------------


def test_a_resident_votes_and_sees_the_receipt(town: Village) -> None:
    poll, member = town.open(), town.member()
    client = browse(town, member)
    page = words(client.get(ballot_at(poll)).text)
    assert "今年先办哪两件？" in page
    assert "不是业主共同决定" in page
    assert "一区 3-1-101" in page
    assert "269,000 元" in page
    assert "均不同意" in page
    answer = client.post(ballot_at(poll), form_of(client, poll) | {"choice": ["P02"]})
    assert answer.status_code == 303
    receipt = words(client.get(answer.headers["Location"]).text)
    assert "已收到" in receipt
    assert "楼道照明" in receipt
    assert "5月10日（周一）09:30" in receipt
    assert "10000000001" in receipt
    assert "谁拿到核对码，谁就能看到这张选票选了什么" in receipt
    assert re.search(r"[0-9A-Z]{4}- [0-9A-Z]{4}- [0-9A-Z]{4}- [0-9A-Z]{4}", receipt)
    again = words(client.get(answer.headers["Location"]).text)
    assert again == receipt


def test_a_double_tap_and_the_back_button_lead_to_the_first_receipt(town: Village) -> None:
    poll, member = town.open(), town.member()
    client = browse(town, member)
    form = form_of(client, poll)
    client.post(ballot_at(poll), form | {"choice": ["P01"]})
    clock.advance(timedelta(minutes=20))
    answer = client.post(ballot_at(poll), form | {"choice": ["P02", "P03"]})
    assert answer.status_code == 303
    page = words(client.get(answer.headers["Location"]).text)
    assert "没有重复计票" in page
    assert "您在5月10日（周一）09:30选择了：老年助餐点。要改吗？" in page
    assert count_rows(Ballot) == 1


def test_a_choice_made_stands_ticked_when_the_ballot_is_opened_again(town: Village) -> None:
    poll, member = town.open(), town.member()
    town.cast(member, poll, ["P03"])
    page = browse(town, member).get(ballot_at(poll)).text
    assert re.search(r'value="P03" checked', page)
    assert "您在5月10日（周一）09:30选择了：口袋公园" in words(page)


def test_too_many_choices_bring_the_form_back_as_it_was_filled_in(town: Village) -> None:
    poll, member = town.open(), town.member()
    client = browse(town, member)
    form = form_of(client, poll)
    answer = client.post(ballot_at(poll), form | {"choice": ["P01", "P02", "P03"]})
    assert answer.status_code == 422
    assert "最多选 2 项，您选了 3 项" in words(answer.text)
    assert "还没有存上" in words(answer.text)
    assert answer.text.count("checked") == 3
    assert count_rows(Ballot) == 0


def test_an_empty_ballot_says_so(town: Village) -> None:
    poll, member = town.open(), town.member()
    client = browse(town, member)
    answer = client.post(ballot_at(poll), form_of(client, poll))
    assert answer.status_code == 422
    assert "您还没有选" in words(answer.text)


def test_a_form_opened_in_another_session_is_refused_and_explained(town: Village) -> None:
    poll, member = town.open(), town.member()
    client = browse(town, member)
    other = Actor(member.person_id, member.person_ref, session_id=4711, homes=member.homes)
    form = {"token": town.token(other, poll), "choice": ["P02"]}
    answer = client.post(ballot_at(poll), form)
    assert answer.status_code == 409
    assert "另一次进入时打开的" in words(answer.text)
    assert re.search(r'value="P02" checked', answer.text)
    # The page it came back on is good for one tap.
    found = re.search(r'name="token" value="([^"]+)"', answer.text)
    assert found
    fresh = found[1]
    assert client.post(ballot_at(poll), form | {"token": fresh}).status_code == 303
    assert count_rows(Ballot) == 1


def test_another_member_meets_a_kind_page_without_the_choice(town: Village) -> None:
    poll, first, second = town.open(), town.member(), town.member()
    client = browse(town, second)
    form = form_of(client, poll)
    town.cast(first, poll, ["P03"])
    shown = client.get(ballot_at(poll))
    answer = client.post(ballot_at(poll), form | {"choice": ["P01"]})
    assert (shown.status_code, answer.status_code) == (200, 409)
    for page in (shown, answer):
        assert "本户已由另一位家人投票，时间5月10日（周一）09:30" in words(page.text)
        assert "服务台" in words(page.text)
        assert "口袋公园" not in page.text
    receipt = client.get(f"/c/HXL/votes/{poll}/receipt")
    assert receipt.status_code == 303


def test_a_deadline_that_passes_while_the_form_is_open_is_told_truly(town: Village) -> None:
    poll, member = town.open(), town.member()
    client = browse(town, member)
    form = form_of(client, poll)
    clock.advance(timedelta(days=3))
    answer = client.post(ballot_at(poll), form | {"choice": ["P01"]})
    page = words(client.get(answer.headers["Location"]).text)
    assert "没有计入" in page
    assert "5月13日（周四）09:30" in page
    assert count_rows(Ballot) == 0
    town.close(poll)
    assert "投票已经截止" in words(client.get(ballot_at(poll)).text)


def test_a_late_change_leaves_the_ballot_in_time_standing(town: Village) -> None:
    poll, member = town.open(), town.member()
    client = browse(town, member)
    town.cast(member, poll, ["P01"])
    form = form_of(client, poll)
    clock.advance(timedelta(days=3))
    answer = client.post(ballot_at(poll), form | {"choice": ["P02"]})
    page = words(client.get(answer.headers["Location"]).text)
    assert "到得太晚，没有计入" in page
    assert "老年助餐点" in page
    assert "不能再改" in page


def test_a_scheduled_poll_says_when_it_begins(town: Village) -> None:
    poll, member = town.draft(), town.member()
    operations.schedule_poll(
        town.clerk,
        community_id=town.community_id,
        public_id=poll,
        opens_at=clock.now() + timedelta(hours=2),
    )
    for page in (
        browse(town, member).get(ballot_at(poll)),
        browse(town).get(f"/c/HXL/votes/{poll}"),
    ):
        assert page.status_code == 200
        assert "还没有开始" in words(page.text)
        assert "11:30" in words(page.text)


def test_a_household_outside_the_electorate_is_told_where_to_ask(town: Village) -> None:
    poll, shop = town.open(), town.member(60)
    page = browse(town, shop).get(ballot_at(poll))
    assert "本户不在这次的参加名单里" in words(page.text)


# --- visitors ----------------------------------------------------------------------------------


def test_a_visitor_reads_the_poll_and_is_led_to_sign_in_and_back(town: Village) -> None:
    poll = town.open()
    client = browse(town)
    page = client.get(f"/c/HXL/votes/{poll}")
    assert "去投票" in words(page.text)
    answer = client.get(ballot_at(poll))
    assert answer.status_code == 303
    assert f"next=/c/HXL/votes/{poll}/ballot" in answer.headers["Location"].replace("%2F", "/")


def test_the_list_shows_what_is_open_first_and_no_drafts(town: Village) -> None:
    closed = town.open(title="旧的问题？")
    clock.advance(timedelta(days=3))
    town.close(closed)
    town.open(title="新的问题？")
    town.draft(title="还没写好的？")
    page = words(browse(town).get("/c/HXL/votes/").text)
    assert page.index("新的问题？") < page.index("旧的问题？")
    assert "还没写好的？" not in page


def test_the_result_says_the_outcome_the_numbers_and_what_comes_next(town: Village) -> None:
    poll = town.open()
    for number in range(20):
        town.cast(town.member(number), poll, ["P01"] if number < 12 else ["P02"])
    clock.advance(timedelta(days=3))
    jobs.run_due()
    page = words(browse(town).get(f"/c/HXL/votes/{poll}/result").text)
    assert "老年助餐点" in page
    assert "胜出" in page
    assert "33.3%" in page
    assert "共 60 户" in page
    assert "社区公示结果" in page


def test_a_tie_is_declared(town: Village) -> None:
    poll = town.open()
    for number in range(20):
        town.cast(town.member(number), poll, ["P01"] if number % 2 else ["P02"])
    clock.advance(timedelta(days=3))
    town.close(poll)
    page = words(browse(town).get(f"/c/HXL/votes/{poll}/result").text)
    assert "并列" in page
    assert "不抽签" in page


def test_a_yes_no_result_shows_the_threshold_in_its_chart(town: Village) -> None:
    poll = town.open_yes_no()
    client = browse(town, town.member(50))
    ballot = words(client.get(ballot_at(poll)).text)
    assert all(answer in ballot for answer in ("同意", "反对", "弃权"))
    for number in range(30):
        town.cast(town.member(number), poll, ["yes" if number < 20 else "abstain"])
    member = town.member(40)
    town.cast(member, poll, ["yes"])
    shown = browse(town, member).get(ballot_at(poll)).text
    assert re.search(r'value="yes" checked', shown)
    clock.advance(timedelta(days=3))
    town.close(poll)
    page = words(browse(town).get(f"/c/HXL/votes/{poll}/result").text)
    assert "“老年助餐点”通过" in page
    assert "✓ 同意" in page
    assert "要求至少 16 户" in page


def test_a_fault_of_the_clock_is_put_into_words(town: Village) -> None:
    poll, client = town.draft(title="另一项？"), browse(town, town.clerk)
    town.open()
    clock.advance(timedelta(minutes=-10))
    refused = client.post(f"/c/HXL/desk/votes/{poll}/open")
    assert refused.status_code == 409
    assert "时钟" in words(refused.text)
    member = town.member()
    clock.advance(timedelta(hours=-2))
    voter = browse(town, member)
    running = db.session.scalar(select(Poll.public_id).where(Poll.state == "open"))
    assert running is not None
    answer = voter.post(ballot_at(running), form_of(voter, running) | {"choice": ["P01"]})
    assert answer.status_code == 409


def test_there_is_no_result_before_the_closing(town: Village) -> None:
    poll = town.open()
    town.cast(town.member(), poll, ["P01"])
    client = browse(town)
    assert client.get(f"/c/HXL/votes/{poll}/result").status_code == 404
    clock.advance(timedelta(days=3))
    assert "正在计票" in words(client.get(f"/c/HXL/votes/{poll}").text)


@pytest.mark.parametrize("page", ["", "/result"])
def test_an_unchanged_public_page_is_not_sent_twice(town: Village, page: str) -> None:
    poll = town.open()
    clock.advance(timedelta(days=3))
    town.close(poll)
    client = browse(town)
    client.get("/complaints")
    tag = client.get(f"/c/HXL/votes/{poll}{page}").headers["ETag"]
    again = client.get(f"/c/HXL/votes/{poll}{page}", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    operations.publish_result(town.clerk, community_id=town.community_id, public_id=poll)
    changed = client.get(f"/c/HXL/votes/{poll}{page}", headers={"If-None-Match": tag})
    assert changed.status_code == 200


def test_a_cached_page_is_not_shown_in_another_view(town: Village) -> None:
    poll = town.open()
    client = browse(town)
    client.get("/complaints")
    tag = client.get(f"/c/HXL/votes/{poll}").headers["ETag"]
    client.raw.set_cookie("linyi_view", "22.")
    elder = client.get(f"/c/HXL/votes/{poll}", headers={"If-None-Match": tag})
    assert elder.status_code == 200
    assert 'data-view="elder"' in elder.text


# --- other tenants -----------------------------------------------------------------------------


def test_another_communitys_poll_answers_404_on_every_address(town: Village) -> None:
    other = found_village(town.app, "WTD")
    poll = town.open()
    draft = town.draft()
    for actor in (other.member(), other.clerk):
        client = browse(other, actor)
        for name in (poll, draft):
            for page in ("", "/ballot", "/receipt", "/result"):
                assert client.get(f"/c/WTD/votes/{name}{page}").status_code == 404
            for page in ("", "/edit", "/preview", "/open", "/turnout", "/discard", "/publish"):
                assert client.get(f"/c/WTD/desk/votes/{name}{page}").status_code == 404
                assert client.get(f"/c/HXL/desk/votes/{name}{page}").status_code == 404
            for page in ("/open", "/schedule", "/unschedule", "/discard", "/publish"):
                assert client.post(f"/c/WTD/desk/votes/{name}{page}").status_code == 404
    cast = browse(other, other.member()).post(ballot_at(poll), {"choice": ["P01"], "token": "x"})
    assert cast.status_code == 404
    assert count_rows(Ballot) == 0


# --- the desk ----------------------------------------------------------------------------------


def draft_form(**changes: Any) -> dict[str, Any]:
    """A draft as the desk types it."""
    return {
        "title": "明年先做哪几个？",
        "explanation": "钱只够办一件。",
        "projects": ["P01", "P02"],
        "k": "2",
        "seats": "1",
        "participation": "electorate 1/3 >=",
        "agreement": "none",
        "opens_date": "2027-05-11",
        "opens_time": "09:00",
        "closes_date": "2027-05-20",
        "closes_time": "18:00",
    } | changes


def test_the_desk_drafts_previews_and_opens(town: Village) -> None:
    client = browse(town, town.clerk)
    assert client.get("/c/HXL/desk/votes/new").status_code == 200
    assert client.get("/c/HXL/desk/votes/new/choose").status_code == 200
    saved = client.post("/c/HXL/desk/votes/new/choose", draft_form())
    assert saved.status_code == 303
    preview = client.get(saved.headers["Location"])
    assert "明年先做哪几个？" in words(preview.text)
    assert "提交选票" not in preview.text
    desk = saved.headers["Location"].removesuffix("/preview")
    edit = client.get(f"{desk}/edit").text
    assert re.search(r'checked[^>]*value="P02"|value="P02"[^>]*checked', edit)
    changed = client.post(f"{desk}/edit", draft_form(title="换个问法？"))
    assert changed.status_code == 303
    confirm = words(client.get(f"{desk}/open").text)
    assert "谁也不能再改" in confirm
    assert "5月20日（周四）18:00" in confirm
    assert "60 户" in confirm
    assert client.post(f"{desk}/open").status_code == 303
    assert db.session.scalar(select(Poll.state)) == "open"
    assert "换个问法？" in words(client.get(desk).text)
    refused = client.post(f"{desk}/open")
    assert refused.status_code == 409


def test_a_yes_no_draft_names_one_project_and_a_threshold(town: Village) -> None:
    client = browse(town, town.clerk)
    assert "过半数" in words(client.get("/c/HXL/desk/votes/new/yes_no").text)
    form = draft_form(projects="P01", agreement="participants 1/2 >")
    saved = client.post("/c/HXL/desk/votes/new/yes_no", form)
    assert saved.status_code == 303
    preview = words(client.get(saved.headers["Location"]).text)
    assert all(answer in preview for answer in ("同意", "反对", "弃权"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"title": ""}, "请写要问的问题"),
        ({"projects": ["P01"]}, "请至少选 2 个项目"),
        ({"k": "7"}, "每户最多选几项"),
        ({"closes_date": "2027-05-11", "closes_time": "09:10"}, "至少要开放 1 小时"),
        ({"closes_date": "2027-01-01"}, "截止时间已经过去"),
        ({"participation": "electorate 9/1 >"}, "Not a valid choice"),
    ],
)
def test_a_draft_that_does_not_hold_comes_back_with_its_words(
    town: Village, changes: dict[str, Any], sentence: str
) -> None:
    client = browse(town, town.clerk)
    answer = client.post("/c/HXL/desk/votes/new/choose", draft_form(**changes))
    assert answer.status_code == 422
    assert sentence in words(answer.text) or sentence == "Not a valid choice"
    assert "钱只够办一件。" in answer.text
    assert count_rows(Poll) == 0


def test_the_desk_schedules_takes_back_and_discards(town: Village) -> None:
    client = browse(town, town.clerk)
    poll = town.draft()
    desk = f"/c/HXL/desk/votes/{poll}"
    assert "自动开放" in words(client.get(f"{desk}/open").text)
    assert client.post(f"{desk}/schedule").status_code == 303
    assert "等待开始" in words(client.get(desk).text)
    assert client.post(f"{desk}/unschedule").status_code == 303
    assert "删除以后不能找回" in words(client.get(f"{desk}/discard").text)
    assert client.post(f"{desk}/discard").status_code == 303
    assert client.get(desk).status_code == 404


def test_a_draft_whose_time_has_passed_says_so_and_is_not_scheduled(town: Village) -> None:
    poll = town.draft()
    clock.advance(timedelta(hours=2))
    client = browse(town, town.clerk)
    desk = f"/c/HXL/desk/votes/{poll}"
    assert "预定的开始时间已经过去" in words(client.get(desk).text)
    refused = client.post(f"{desk}/schedule")
    assert refused.status_code == 409
    assert "没有排上" in words(refused.text)


def test_the_desk_sees_turnout_and_never_a_tally(town: Village) -> None:
    poll = town.open()
    for number in range(3):
        town.cast(town.member(number), poll, ["P03"])
    client = browse(town, town.clerk)
    page = client.get(f"/c/HXL/desk/votes/{poll}")
    seen = re.search(r"turnout\?seen=([^\"]+)", page.text)
    assert seen
    assert "共 60 户" in words(page.text)
    assert "口袋公园" not in words(page.text)
    part = f"/c/HXL/desk/votes/{poll}/turnout"
    assert client.get(f"{part}?seen={seen[1]}").status_code == 204
    town.cast(town.member(9), poll, ["P03"])
    fresh = client.get(f"{part}?seen={seen[1]}")
    assert fresh.status_code == 200
    assert re.search(r">4 <", fresh.text)
    assert "<html" not in fresh.text
    assert client.get(part, headers={"If-None-Match": fresh.headers["ETag"]}).status_code == 304


def test_a_clerk_publishes_and_a_supervisor_only_watches(town: Village) -> None:
    poll = town.open()
    clock.advance(timedelta(days=3))
    town.close(poll)
    watcher = town.staff(Role.SUPERVISOR)
    assert browse(town, watcher).get(f"/c/HXL/desk/votes/{poll}").status_code == 200
    assert browse(town, watcher).post(f"/c/HXL/desk/votes/{poll}/publish").status_code == 404
    client = browse(town, town.clerk)
    assert "公示结果" in words(client.get(f"/c/HXL/desk/votes/{poll}").text)
    assert "5月28日（周五）" in words(client.get(f"/c/HXL/desk/votes/{poll}/publish").text)
    assert client.post(f"/c/HXL/desk/votes/{poll}/publish").status_code == 303
    assert "已经公示" in words(client.get(f"/c/HXL/desk/votes/{poll}/publish").text)
    assert client.post(f"/c/HXL/desk/votes/{poll}/publish").status_code == 409


def test_residents_have_no_desk(town: Village) -> None:
    poll, client = town.open(), browse(town, town.member())
    for page in ("", "/new", f"/{poll}", f"/{poll}/turnout", f"/{poll}/open"):
        assert client.get(f"/c/HXL/desk/votes{page}").status_code == 404


# --- figures -----------------------------------------------------------------------------------


@pytest.mark.parametrize("homes", [10, 400])
def test_statements_do_not_grow_with_rows(
    web_app: Flask,
    monday: None,
    statements: list[str],
    homes: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(places, "KEPT_SECONDS", 600.0)
    town = found_village(web_app, "HXL", homes)
    poll = town.open()
    for number in range(homes // 2):
        town.cast(town.member(number), poll, ["P01"])
    member = town.member(homes - 1)
    client = browse(town, member)
    form = form_of(client, poll)

    def cost(address: str, data: dict[str, Any] | None = None) -> int:
        statements.clear()
        if data is None:
            client.raw.get(address)
        else:
            client.raw.post(address, data=data)
        return len(statements)

    # Session and poll; the community is still known from the visit before.
    assert cost(ballot_at(poll)) == 2
    # Session, poll with log, voter, three of the record, ballot, notice.
    assert cost(ballot_at(poll), form | {"choice": ["P01"]}) == 8
    changed = form | {"choice": ["P02"], "token": town.token(member, poll)}
    assert cost(ballot_at(poll), changed) == 8
    assert cost(f"/c/HXL/votes/{poll}/receipt") == 3
    assert cost(f"/c/HXL/votes/{poll}") == 2
    assert cost("/c/HXL/votes/") == 2
    clock.advance(timedelta(days=3))
    town.close(poll)
    # The first visit in five minutes also notes when the session was last seen.
    assert cost(f"/c/HXL/votes/{poll}/result") == 3
    assert cost(f"/c/HXL/votes/{poll}/result") == 2

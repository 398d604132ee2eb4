"""Which language a reader gets, and that what is kept stays Chinese whoever's browser asked."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flask_wtf import FlaskForm
from sqlalchemy import select

from app.consultations.models import Topic
from app.consultations.rules import State
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.meetings.models import Meeting
from app.projects import operations as projects
from app.projects.rules import Stage
from app.ratings import operations as ratings
from app.ratings import rules as rating_rules
from app.ratings import words as rating_words
from app.voting import operations as voting
from app.voting.models import Poll
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from flask import Flask

    from tests.support.world import Place, World

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community(households=24)


def language_of(text: str) -> str:
    found = re.search(r'<html lang="([^"]+)"', text)
    assert found
    return found[1]


@pytest.fixture
def english(web_app: Flask) -> CheckedClient:
    """A browser whose owner chose English."""
    client = CheckedClient(web_app)
    client.raw.set_cookie("linyi_view", "0.en")
    return client


# --- which language ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepts", "language"),
    [
        ("en-GB,en;q=0.9", "en"),
        ("en", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("zh-TW,en;q=0.5", "zh-Hans"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("zh-CN,en;q=0.9", "zh-Hans"),
        ("en;q=0.1,zh-CN", "zh-Hans"),
        ("fr,en-AU;q=0.5,zh;q=0.4", "en"),
        ("fr,de;q=0.9", "zh-Hans"),
        ("*", "zh-Hans"),
        ("nonsense;;q=", "zh-Hans"),
        (None, "zh-Hans"),
    ],
)
def test_the_first_time_the_browsers_own_language_decides(
    client: CheckedClient, place: Place, accepts: str | None, language: str
) -> None:
    headers = {} if accepts is None else {"Accept-Language": accepts}
    answer = client.get(f"/c/{place.code}/", headers=headers)
    assert language_of(answer.text) == language
    assert {"Cookie", "Accept-Language"} <= set(answer.vary)


def test_one_tap_switches_keeps_the_page_and_is_remembered(
    client: CheckedClient, place: Place
) -> None:
    page = f"/c/{place.code}/board?section=vote"
    wants_english = {"Accept-Language": "en"}
    first = client.get(page)
    assert '<button class="tool" lang="en">English</button>' in first.text
    answer = client.post("/view", {"language": "en", "next": page})
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    second = client.get(page, headers={"Accept-Language": "zh-CN"})
    assert language_of(second.text) == "en"
    assert '<button class="tool" lang="zh-Hans">中文</button>' in second.text
    client.post("/view", {"language": "zh", "next": page})
    assert language_of(client.get(page, headers=wants_english).text) == "zh-Hans"


def test_the_view_for_elders_and_the_language_do_not_undo_each_other(
    client: CheckedClient, place: Place
) -> None:
    client.post("/view", {"view": "elder"})
    client.post("/view", {"language": "en"})
    page = client.get(f"/c/{place.code}/").text
    assert '<html lang="en" data-view="elder" data-text="22"' in page
    client.post("/view", {"text": "26"})
    client.post("/view", {"language": "zh"})
    assert '<html lang="zh-Hans" data-view="elder" data-text="26"' in client.get("/").text


def test_a_page_kept_in_one_language_is_not_shown_in_the_other(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    page = f"/c/{place.code}/votes/{web_world.poll(place)}"
    tag = client.get(page).headers["ETag"]
    answer = client.get(page, headers={"If-None-Match": tag, "Accept-Language": "en"})
    assert answer.status_code == 200
    assert language_of(answer.text) == "en"


def test_an_error_page_speaks_the_readers_language(english: CheckedClient) -> None:
    answer = english.get("/nowhere")
    assert answer.status_code == 404
    assert "What you are looking for is not here" in answer.text


def test_times_numbers_and_lists_are_english(
    english: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place, ("P01", "P02"), method="choose")
    english.enter(web_world, place)
    page = english.get(f"/c/{place.code}/votes/{poll}/ballot").text
    assert "7 days left, closes on Wednesday 27 May, 10:03" in page
    assert "1,000 yuan" in page
    english.post(
        f"/c/{place.code}/votes/{poll}/ballot",
        english.fields(
            f"/c/{place.code}/votes/{poll}/ballot", f"/c/{place.code}/votes/{poll}/ballot"
        )
        | {"choice": ["P01", "P02"]},
    )
    receipt = english.get(f"/c/{place.code}/votes/{poll}/receipt").text
    assert "项目P01, 项目P02" in receipt
    assert "Wednesday 20 May, 10:03" in receipt
    clock.advance(timedelta(days=6))
    again = english.get(f"/c/{place.code}/votes/{poll}/ballot").text
    assert "1 day left, closes on" in again


# --- what was frozen ---------------------------------------------------------------------------


def test_an_english_page_translates_what_was_frozen_and_shows_the_chinese_that_counts(
    english: CheckedClient, client: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.poll(place)
    address = f"/c/{place.code}/votes/{poll}"
    page = english.get(address).text
    for words in (
        "Preference poll",
        "It is not an owners’ joint decision",
        "Time to build",
        "1 month",
        "10 yuan a year, 居委会",
        "What the money is for",
        "The Chinese text that was published decides",
    ):
        assert words in page, words
    chinese = "这是意愿征集：结果供社区安排项目时参考，没有法律约束力"
    assert chinese in page.partition("The Chinese text that was published decides")[2]
    assert chinese not in page.partition("The Chinese text that was published decides")[0]
    assert "The Chinese text" not in client.get(address).text


def test_a_poll_opened_from_an_english_page_is_frozen_in_chinese(
    english: CheckedClient, web_world: World, place: Place
) -> None:
    poll = web_world.draft(place)
    english.staff(web_world.staff(place, Role.COMMITTEE))
    base = f"/c/{place.code}/desk/votes/{poll}"
    assert "In favour" in english.get(f"{base}/preview").text
    answer = english.post(f"{base}/open")
    assert answer.status_code == 303
    db.session.rollback()
    row = db.session.scalars(select(Poll).where(Poll.public_id == poll)).one()
    assert row.ballot_text is not None
    assert row.definition is not None
    assert row.ballot_text["kind"] == "意愿征集"
    assert [option["title"] for option in row.definition["options"]] == ["同意", "反对", "弃权"]
    labels = [fact["label"] for fact in row.ballot_text["cards"][0]["facts"]]
    assert labels == ["打算怎么做", "地点", "涉及范围", "工期", "以后谁维护", "怎么决定"]


def test_the_questions_of_a_rating_are_asked_in_the_readers_language(
    english: CheckedClient, web_world: World, place: Place
) -> None:
    assert [str(each) for each in rating_words.QUESTIONS] == list(rating_rules.QUESTIONS)
    web_world.project(place, "P01")
    clerk = web_world.clerk(place)
    for stage in (Stage.BUILD, Stage.MANAGE):
        projects.advance_project(clerk, community_id=place.id, code="P01", to=stage)
    poll = ratings.start_rating(clerk, community_id=place.id, project_code="P01", days=7)
    english.enter(web_world, place)
    page = english.get(f"/c/{place.code}/votes/{poll}/ballot").text
    assert "Quality of the work" in page
    assert "Very satisfied" in page
    row = db.session.scalars(select(Poll).where(Poll.public_id == poll)).one()
    assert "施工质量" in str(row.definition)


# --- what is kept and handed out ---------------------------------------------------------------


def test_an_english_resident_is_kept_as_a_resident_in_chinese(
    english: CheckedClient, web_world: World, place: Place
) -> None:
    english.enter(web_world, place)
    address = f"/c/{place.code}/propose"
    fields = english.fields(address, address)
    answer = english.post(address, fields | {"title": "Bins", "background": "Too few."})
    assert answer.status_code == 303, answer.text
    assert db.session.scalars(select(Topic.proposed_as)).one() == "居民"
    assert "Proposed by: A resident" in english.get(answer.headers["Location"]).text


def test_an_english_clerk_calls_meetings_in_chinese(
    english: CheckedClient, web_world: World, place: Place
) -> None:
    topic = web_world.topic(place, State.ACCEPTED)
    english.staff(web_world.staff(place))
    address = f"/c/{place.code}/desk/topics/{topic}/agenda"
    page = english.get(address).text
    assert "大家发言，每人三分钟" in page
    fields = english.fields(address, address) | {
        "question": "长椅放在哪里？",
        "form": "round_table",
        "agenda": "说明｜主持人｜5",
        "chair": "甲",
        "recorder": "乙",
        "starts_at": "2026-06-10T19:00",
    }
    assert english.post(address, fields).status_code == 303
    db.session.rollback()
    assert db.session.scalars(select(Meeting.form)).one() == "圆桌会"


def test_papers_and_exports_are_the_same_for_every_reader(
    english: CheckedClient, web_world: World, place: Place, web_app: Flask, tmp_path: Path
) -> None:
    poll = web_world.poll(place)
    for reader in web_world.voters(place, 10):
        web_world.cast(reader, place, poll, "yes")
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    chinese = CheckedClient(web_app)
    for client in (english, chinese):
        client.staff(web_world.staff(place, Role.COMMITTEE))
    for name in (f"votes/{poll}/notice.pdf", f"votes/{poll}/poster.pdf"):
        texts = []
        for client in (english, chinese):
            file = tmp_path / "paper.pdf"
            file.write_bytes(client.get(f"/c/{place.code}/{name}").data)
            done = subprocess.run(["pdftotext", str(file), "-"], capture_output=True, check=True)
            texts.append(done.stdout.decode())
        assert texts[0] == texts[1]
        assert "槐香里" in texts[0] or "社区" in texts[0]
    table = f"/c/{place.code}/desk/records/{poll}.csv"
    assert english.get(table).data == chinese.get(table).data
    assert "投票内容" in english.get(table).data.decode("utf-8-sig")


# --- forms -------------------------------------------------------------------------------------


def every_form() -> list[type[FlaskForm]]:
    found, waiting = [], [FlaskForm]
    while waiting:
        form = waiting.pop()
        waiting.extend(form.__subclasses__())
        if form.__module__.startswith("app."):
            found.append(form)
    return sorted(found, key=lambda form: form.__qualname__)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_whatever_a_form_says_is_in_the_readers_language(web_app: Flask, language: str) -> None:
    said: set[str] = set()
    for form_class in every_form():
        for typed in ("", "?", "x" * 3_000, "-999999999"):
            names = [f.name for f in _form(web_app, form_class, {}, language)[0]]
            data = dict.fromkeys(names, typed)
            _fields, errors = _form(web_app, form_class, data, language)
            said |= {str(error) for each in errors.values() for error in each}
    assert len(said) > 40
    for sentence in said:
        assert bool(CHINESE.search(sentence)) is (language == "zh"), sentence


def _form(
    app: Flask, form_class: type[FlaskForm], data: dict[str, str], language: str
) -> tuple[list[object], dict[str, list[str]]]:
    cookie = {"Cookie": f"linyi_view=0.{language}"}
    with app.test_request_context("/", method="POST", data=data, headers=cookie):
        form = form_class(meta={"csrf": False})
        for field in form:
            if getattr(field, "choices", ()) is None:
                field.choices = [("1", "1")]
        form.validate()
        errors = {name: [str(e) for e in each] for name, each in form.errors.items()}
        return list(form), errors

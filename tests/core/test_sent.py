"""A form that comes a second time is answered as it was the first time, and no other form is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.consultations.models import TopicMove
from app.consultations.rules import State
from app.core import clock, sent
from app.core.db import db, transaction
from app.core.sent import SentForm

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.checked_client import CheckedClient
    from tests.support.world import Place, World


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 2)


def number(model: type) -> int:
    db.session.rollback()
    found = db.session.scalar(select(func.count()).select_from(model)) or 0
    db.session.rollback()
    return found


def test_the_same_press_again_is_no_refusal_and_another_press_is(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    topic = web_world.topic(place, State.SCREENING)
    client.staff(web_world.staff(place))
    address = f"/c/HXL/desk/topics/{topic}/move/accepted"
    moves = number(TopicMove)
    press = {"csrf_token": client.token(), "note": "可以商量", "page": "1"}
    answers = [client.raw.post(address, data=press) for _again in range(3)]
    assert [answer.status_code for answer in answers] == [303] * 3
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert number(TopicMove) == moves + 1
    for other in ({"note": "别的理由"}, {"page": "2"}):
        refused = client.raw.post(address, data=press | other)
        assert refused.status_code == 422
        assert "什么都没有" in refused.text
    refused = client.raw.post(address.replace("accepted", "rejected"), data=press)
    assert refused.status_code == 422, "the same fields, another address"
    assert number(TopicMove) == moves + 1


def test_a_refused_form_leaves_no_mark_and_is_refused_again(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    topic = web_world.topic(place, State.SCREENING)
    client.staff(web_world.staff(place))
    marks = number(SentForm)
    press = {"csrf_token": client.token(), "note": "  "}
    for _again in range(2):
        answer = client.raw.post(f"/c/HXL/desk/topics/{topic}/move/accepted", data=press)
        assert answer.status_code == 422
    assert number(SentForm) == marks


def test_a_mark_tells_nothing_and_is_of_one_browser(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    topic = web_world.topic(place, State.SCREENING)
    client.staff(web_world.staff(place))
    press = {"csrf_token": client.token(), "note": "王小明家的事"}
    client.raw.post(f"/c/HXL/desk/topics/{topic}/move/accepted", data=press)
    db.session.rollback()
    (row,) = db.session.execute(select(SentForm.mark, SentForm.at)).all()
    assert len(row.mark) == 64
    assert row.at == clock.now()
    db.session.rollback()
    plain = {"note": "王小明家的事"}
    for data, same in ((plain | {"csrf_token": "a"}, True), (plain, False)):
        for first in (True, False):
            with web_world.app.test_request_context("/x", method="POST", data=data):
                assert sent.came_before() is (same and not first), "no token, no two alike"
                with sent.marked(), transaction():
                    pass
            db.session().info.pop(sent.LEFT, None)


def test_what_one_request_did_itself_is_not_what_came_before(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    """An act of two changes whose second is refused: the first one's mark is not an excuse."""
    from app.core import web
    from app.core.errors import RuleBroken

    def act() -> None:
        with transaction():
            pass
        raise RuleBroken("topic.wrong_state")

    data = {"csrf_token": "one browser's secret"}
    for _again in range(2):
        with (
            web_world.app.test_request_context("/x", method="POST", data=data),
            pytest.raises(RuleBroken),
        ):
            web.once(act)


def test_a_mark_is_left_once_on_each_engine(app: Flask) -> None:
    data = {"csrf_token": "one browser's secret"}
    for came in (False, True, True):
        with app.test_request_context("/x", method="POST", data=data):
            assert sent.came_before() is came
            with sent.marked(), transaction():
                pass
        db.session().info.pop(sent.LEFT, None)
    assert number(SentForm) == 1

"""Requests to put the roll right: their words and how many there may be."""

from __future__ import annotations

import pytest

from app.core.errors import RuleBroken
from app.correcting import rules
from app.correcting.rules import LONGEST_TEXT, State


@pytest.mark.parametrize(
    ("text", "waiting", "lately", "problem"),
    [
        ("手机号换了", 0, 0, ""),
        ("长" * LONGEST_TEXT, 2, 4, ""),
        (" \r\n ", 0, 0, "correction.no_text"),
        ("长" * (LONGEST_TEXT + 1), 0, 0, "correction.too_long"),
        ("手机号换了", 3, 0, "correction.enough_waiting"),
        ("手机号换了", 0, 5, "correction.enough_lately"),
    ],
)
def test_a_request_has_words_and_its_turn(
    text: str, waiting: int, lately: int, problem: str
) -> None:
    if not problem:
        assert rules.check_request(text=text, waiting=waiting, lately=lately) == text
        return
    with pytest.raises(RuleBroken, match=problem):
        rules.check_request(text=text, waiting=waiting, lately=lately)


@pytest.mark.parametrize(
    ("state", "answer", "problem"),
    [
        (State.WAITING, "已核对，没有错", ""),
        (State.WAITING, " ", "correction.no_answer"),
        (State.WAITING, "长" * (LONGEST_TEXT + 1), "correction.too_long"),
        (State.CORRECTED, "再说一次", "correction.answered_already"),
        (State.ANSWERED, "再说一次", "correction.answered_already"),
    ],
)
def test_a_request_is_answered_once_and_in_words(state: State, answer: str, problem: str) -> None:
    if not problem:
        assert rules.check_answer(state=state, answer=answer) == answer
        return
    with pytest.raises(RuleBroken, match=problem):
        rules.check_answer(state=state, answer=answer)

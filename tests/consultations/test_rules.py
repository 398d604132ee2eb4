"""No path to a decision leads past the publication; nothing leaves the table of states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.consultations import rules
from app.consultations.rules import MOVES, Form, State
from app.core.errors import RuleBroken

NOW = datetime(2026, 5, 20, 2, 3, tzinfo=UTC)


@st.composite
def walks(draw: st.DrawFn) -> list[State]:
    """A walk through the table from the proposal, as long as it likes."""
    path = [State.PROPOSED]
    for _ in range(draw(st.integers(0, 40))):
        onward = sorted(MOVES[path[-1]])
        if not onward:
            break
        path.append(draw(st.sampled_from(onward)))
    return path


@given(walks())
def test_nothing_is_decided_that_was_not_published(path: list[State]) -> None:
    for position, state in enumerate(path):
        before = path[:position]
        if state is State.DECIDED:
            assert State.PUBLISHED in before
        if state is State.PUBLISHED and State.PUBLISHED not in before:
            assert {State.SCREENING, State.ANNOUNCED, State.IN_SESSION, State.DRAFTED} <= set(
                before
            )
        if state is State.IMPLEMENTING:
            assert State.DECIDED in before


@given(st.sampled_from(State), st.sampled_from(State))
def test_a_move_is_allowed_when_the_table_says_so_and_never_else(a: State, b: State) -> None:
    if b in MOVES[a]:
        rules.check_move(a, b)
    else:
        with pytest.raises(RuleBroken, match=r"topic\.wrong_state"):
            rules.check_move(a, b)


def test_every_state_has_its_row_and_can_be_reached_but_by_orders_from_above() -> None:
    assert set(MOVES) == set(State)
    reached = {to for onward in MOVES.values() for to in onward} | {State.PROPOSED}
    assert set(State) - reached == {State.INVALIDATED}


def test_reasons_are_owed_where_somebody_is_sent_away_or_let_in() -> None:
    owed = (State.ACCEPTED, State.REJECTED, State.MERGED, State.ADJOURNED, State.POSTPONED)
    for to in owed:
        with pytest.raises(RuleBroken, match=r"topic\.no_reason"):
            rules.check_reason(to, "  ")
    assert rules.check_reason(State.SCREENING, " ") == ""
    with pytest.raises(RuleBroken, match=r"topic\.too_long"):
        rules.check_reason(State.SCREENING, "长" * 3001)
    for text in ("", " \r\n "):
        with pytest.raises(RuleBroken, match=r"topic\.empty"):
            rules.check_text(text)
    with pytest.raises(RuleBroken, match=r"topic\.too_long"):
        rules.check_text("长" * 3001)


def test_a_decision_waits_for_the_last_moment_of_the_publication() -> None:
    for until in (None, NOW + timedelta(seconds=1)):
        with pytest.raises(RuleBroken, match=r"topic\.still_published"):
            rules.check_published(until, NOW)
    rules.check_published(NOW, NOW)


def test_notice_is_ten_days_for_a_residents_meeting_by_law() -> None:
    assert rules.notice_days(Form.RESIDENTS_MEETING, 7) == 10
    assert {rules.notice_days(f, 7) for f in Form if f is not Form.RESIDENTS_MEETING} == {7}
    assert rules.notice_days(Form.RESIDENTS_MEETING, 14) == 14


def test_the_seals_follow_the_states() -> None:
    stages = [rules.stage_index(s) for s in (State.PUBLISHED, State.IMPLEMENTING, State.RATED)]
    assert stages == [0, 1, 3]

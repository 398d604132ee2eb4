"""What a printing does to letters that are out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import RuleBroken
from app.exports.rules import HaveLetter, plan_letters, seconds_for

CODES = {2: (1, True), 3: (4, False), 4: (2, True)}
HOMES = (4, 3, 2, 1)


@pytest.mark.parametrize(
    ("have", "first", "voided", "again", "skipped"),
    [
        (HaveLetter.SKIP, (3, 1), (), (), (4, 2)),
        (HaveLetter.REISSUE, (3, 1), (4, 2), (), ()),
        (HaveLetter.AGAIN, (3, 1), (), (4, 2), ()),
    ],
)
def test_each_home_gets_what_was_asked_in_the_order_of_the_walk(
    have: HaveLetter,
    first: tuple[int, ...],
    voided: tuple[int, ...],
    again: tuple[int, ...],
    skipped: tuple[int, ...],
) -> None:
    plan = plan_letters(HOMES, CODES, have, demo=True)
    assert (plan.first, plan.voided, plan.again, plan.skipped) == (first, voided, again, skipped)
    assert plan.letters == 4 - len(skipped)
    assert plan.stamp == 7


def test_codes_are_shown_again_in_a_demo_alone() -> None:
    with pytest.raises(RuleBroken, match="demo_only"):
        plan_letters(HOMES, CODES, HaveLetter.AGAIN, demo=False)


def test_letters_that_are_out_are_not_voided_by_saying_nothing() -> None:
    with pytest.raises(RuleBroken, match="unsaid") as refused:
        plan_letters(HOMES, CODES, HaveLetter.UNSAID, demo=False)
    assert refused.value.facts == {"living": 2, "homes": 4}
    assert plan_letters((1, 3), CODES, HaveLetter.UNSAID, demo=False).first == (1, 3)


@given(st.lists(st.integers(1, 6), unique=True), st.sampled_from(HaveLetter), st.booleans())
def test_nobody_is_lost_or_doubled_and_only_reissue_voids(
    homes: list[int], have: HaveLetter, demo: bool
) -> None:
    try:
        plan = plan_letters(homes, CODES, have, demo=demo)
    except RuleBroken:
        return
    everybody = [*plan.first, *plan.voided, *plan.again, *plan.skipped]
    assert sorted(everybody) == sorted(homes)
    assert not plan.voided or have is HaveLetter.REISSUE


@pytest.mark.parametrize(("letters", "seconds"), [(0, 0), (1, 5), (500, 5), (501, 10), (1486, 15)])
def test_how_long_it_takes_is_said_in_fives(letters: int, seconds: int) -> None:
    assert seconds_for(letters) == seconds

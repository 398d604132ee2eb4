"""Quorum and majority to the last head; the text that a signature is bound to; drawn names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.conventions import rules
from app.conventions.forms import TextForm
from app.conventions.rules import Article, ArticleClass, Body, Resolution, State
from app.conventions.words import line_of
from app.core.errors import RuleBroken

HOUSEHOLDS, REPRESENTATIVES = Body.RESIDENTS_MEETING, Body.REPRESENTATIVES_MEETING


# Worked cases M01 to M10 of the design's resident meeting vectors, and their neighbours.
@pytest.mark.parametrize(
    ("body", "base", "reps", "present", "favour", "code"),
    [
        (HOUSEHOLDS, 1486, 0, 744, 400, ""),
        (HOUSEHOLDS, 1486, 0, 743, 743, "quorum"),
        (HOUSEHOLDS, 1486, 0, 800, 400, "majority"),
        (HOUSEHOLDS, 1486, 0, 800, 401, ""),
        (REPRESENTATIVES, 54, 46, 36, 19, ""),
        (REPRESENTATIVES, 54, 46, 35, 35, "quorum"),
        (REPRESENTATIVES, 54, 46, 40, 20, "majority"),
        (REPRESENTATIVES, 50, 40, 34, 18, ""),
        (REPRESENTATIVES, 50, 39, 34, 18, "composition"),
        (REPRESENTATIVES, 50, 51, 34, 18, "composition"),
        (HOUSEHOLDS, 0, 0, 0, 0, "numbers"),
        (HOUSEHOLDS, 10, 0, 11, 6, "numbers"),
        (HOUSEHOLDS, 10, 0, 6, 7, "numbers"),
    ],
)
def test_what_a_meeting_can_adopt(
    body: Body, base: int, reps: int, present: int, favour: int, code: str
) -> None:
    resolution = Resolution(body, base, present, favour, reps)
    if not code:
        rules.check_resolution(resolution)
        return
    with pytest.raises(RuleBroken, match=rf"resolution\.{code}"):
        rules.check_resolution(resolution)


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 3000))
def test_whatever_passes_had_more_than_half_of_more_than_half(
    base: int, present: int, favour: int
) -> None:
    try:
        rules.check_resolution(Resolution(HOUSEHOLDS, base, present, favour))
    except RuleBroken:
        return
    assert 4 * favour > base


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("to", State)
def test_steps_are_taken_one_at_a_time(state: State, to: State) -> None:
    if list(State).index(to) == list(State).index(state) + 1:
        rules.check_move(state, to)
    else:
        with pytest.raises(RuleBroken, match=r"convention\.wrong_state"):
            rules.check_move(state, to)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_comparison_holds_both_texts(before: str, after: str) -> None:
    pieces = rules.compare(before, after)
    assert "".join(p.text for p in pieces if p.kind != "new") == before
    assert "".join(p.text for p in pieces if p.kind != "gone") == after


def test_the_hash_changes_with_every_part_of_the_text() -> None:
    one = Article(1, ArticleClass.GENERAL, "商量着办。")
    hashes = {
        rules.text_hash("公约", "前言", [one]),
        rules.text_hash("公约一", "前言", [one]),
        rules.text_hash("公约", "前言。", [one]),
        rules.text_hash("公约", "前言", [Article(1, ArticleClass.CONDUCT, "商量着办。")]),
        rules.text_hash("公约", "前言", [Article(1, ArticleClass.GENERAL, "商量着办")]),
        rules.text_hash("公约", "前言", [one, Article(2, ArticleClass.FINAL, "施行。")]),
    }
    assert len(hashes) == 6


def test_doubtful_words_are_flagged() -> None:
    assert rules.doubtful_words("乱停车罚款五十，并停水") == ("罚款", "停水")
    assert rules.doubtful_words("大家商量着办") == ()


def strokes(*points: tuple[int, int]) -> str:
    return json.dumps([[list(point) for point in points]])


LINE = [(x * 4, 10 + x) for x in range(12)]


def test_a_drawn_name_is_kept_in_whole_pixels() -> None:
    assert rules.drawing_from("") == []
    assert rules.drawing_from(strokes(*LINE)) == [[list(point) for point in LINE]]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        "x",
        "null",
        "[[1, 2]]",
        '[["ab"]]',
        strokes((1, 1)),
        strokes(*[(5, 5)] * 40),
        strokes(*[(-1, 5), *LINE]),
        strokes(*[(4001, 5), *LINE]),
        json.dumps([[[True, False]] * 20]),
        json.dumps([[[1.5, 2]] * 20]),
        json.dumps([[[x % 3000, x % 90] for x in range(4001)]]),
    ],
)
def test_a_signature_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken, match=r"convention\.no_drawing"):
        rules.drawing_from(text)


def test_articles_are_numbered_and_never_empty() -> None:
    rules.check_articles([Article(1, ArticleClass.GENERAL, "好")])
    for articles in (
        [],
        [Article(2, ArticleClass.GENERAL, "好")],
        [Article(1, ArticleClass.GENERAL, "")],
        [Article(1, ArticleClass.GENERAL, "长" * 501)],
        [Article(n, ArticleClass.GENERAL, "好") for n in range(1, 62)],
    ):
        with pytest.raises(RuleBroken, match=r"convention\.(no_articles|article)"):
            rules.check_articles(articles)


def test_articles_as_they_are_typed(web_app: object) -> None:
    with web_app.test_request_context():  # type: ignore[attr-defined]
        form = TextForm(data={"articles": "总则｜商量着办。\n\n附则 | 通过后施行。"})
        assert [a.text for a in form.parsed()] == ["商量着办。", "通过后施行。"]
        form.articles.data = "总则｜好\n闲话｜不是一类"
        with pytest.raises(RuleBroken, match=r"convention\.class"):
            form.parsed()


def test_articles_as_they_are_typed_in_english(web_app: object) -> None:
    english = {"headers": {"Cookie": "linyi_view=0.en"}}
    with web_app.test_request_context(**english):  # type: ignore[attr-defined]
        typed = line_of(ArticleClass.GENERAL.value, "Talk it over.")
        assert typed == "General provisions | Talk it over."
        form = TextForm(data={"articles": f"{typed}\n总则｜商量着办。\npublic order|Be quiet."})
        kinds = [a.kind for a in form.parsed()]
        assert kinds == [ArticleClass.GENERAL, ArticleClass.GENERAL, ArticleClass.ORDER]

"""The rules of the convention (居民公约). Pure; sources in docs/rules.md, "Convention"."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from app.core import canonical as c
from app.core.errors import RuleBroken
from app.meetings.resolutions import Body, Resolution, check_resolution

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Body", "Resolution", "check_resolution"]  # what adopting asks of meetings

LONGEST_ARTICLE = 500
MOST_ARTICLES = 60
MOST_POINTS = 4000
FEWEST_POINTS = 12
SMALLEST_SIDE = 24
LARGEST_COORDINATE = 4000
SUBJECT = re.compile(r"convention:([1-9][0-9]{0,8})")
# Words a convention cannot decree; flagged for the legal review, never blocked.
DOUBTFUL = ("罚款", "押金", "停水", "停电", "取消资格", "只限户籍", "强制", "没收")


class State(StrEnum):
    """Where a version of the convention stands: the five steps of the 2018 guidance."""

    DRAFT = "draft"
    CONSULTING = "consulting"
    SUBMITTED = "submitted"
    ADOPTED = "adopted"
    PUBLISHED = "published"


ORDER = tuple(State)


class ArticleClass(StrEnum):
    """The five classes of the 2018 guidance, with general and final provisions around them."""

    GENERAL = "总则"
    CONDUCT = "规范日常行为"
    ORDER = "维护公共秩序"
    RIGHTS = "保障群众权益"
    DISPUTES = "调解群众纠纷"
    CUSTOMS = "引导民风民俗"
    FINAL = "附则"


@dataclass(frozen=True, slots=True)
class Article:
    """One article."""

    number: int
    kind: ArticleClass
    text: str


def check_move(state: State, to: State) -> None:
    """Raise RuleBroken convention.wrong_state unless `to` is the next step."""
    if ORDER.index(to) != ORDER.index(state) + 1:
        raise RuleBroken("convention.wrong_state", state=state.value)


def may_edit(state: State) -> bool:
    """A text changes while it is drafted and talked over, and never after."""
    return state in {State.DRAFT, State.CONSULTING}


def may_vote(state: State) -> bool:
    """A text is voted on from the moment it is handed in until it is adopted."""
    return state is State.SUBMITTED


def check_votable(state: State) -> None:
    """Raise RuleBroken convention.not_to_vote for a text that can change or is adopted already."""
    if not may_vote(state):
        raise RuleBroken("convention.not_to_vote", state=state.value)


def subject_of(number: int) -> str:
    """A version as the record, the links and a poll's option name it."""
    return f"convention:{number}"


def number_of(subject: str) -> int | None:
    """The version a subject names, None for anything else."""
    found = SUBJECT.fullmatch(subject)
    return int(found[1]) if found else None


def check_articles(articles: Sequence[Article]) -> None:
    """A convention has articles, numbered from 1, none empty or endless.

    Raises: RuleBroken convention.no_articles, convention.article.
    """
    if not 1 <= len(articles) <= MOST_ARTICLES:
        raise RuleBroken("convention.no_articles", most=MOST_ARTICLES)
    for place, article in enumerate(articles, start=1):
        if article.number != place or not 1 <= len(article.text) <= LONGEST_ARTICLE:
            raise RuleBroken("convention.article", number=place, most=LONGEST_ARTICLE)


def text_hash(title: str, preamble: str, articles: Iterable[Article]) -> str:
    """What a signature is bound to: SHA-256 of the canonical JSON of everything one reads."""
    said = {
        "title": title,
        "preamble": preamble,
        "articles": [[a.number, a.kind.value, a.text] for a in articles],
    }
    return hashlib.sha256(c.canonical(said)).hexdigest()


def doubtful_words(text: str) -> tuple[str, ...]:
    """Words the legal review should look at."""
    return tuple(word for word in DOUBTFUL if word in text)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters that stayed (`same`), came (`new`) or went (`gone`)."""

    kind: str
    text: str


def compare(before: str, after: str) -> tuple[Piece, ...]:
    """What changed in a text, character by character, in the order of reading."""
    pieces = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for _tag, a, b, x, y in matcher.get_opcodes():
        if before[a:b] == after[x:y]:
            pieces.append(Piece("same", before[a:b]))
            continue
        pieces += [Piece("gone", before[a:b])] if b > a else []
        pieces += [Piece("new", after[x:y])] if y > x else []
    return tuple(pieces)


def drawing_from(text: str) -> list[list[list[int]]]:
    """The strokes of a drawn name: lists of points in whole pixels; empty for the plain button.

    Raises: RuleBroken convention.no_drawing for what is no drawing, too large, or as good as
    nothing: a dot, a single tap.
    """
    if not text:
        return []
    try:
        strokes: Any = json.loads(text)
        points = [(x, y) for stroke in strokes for x, y in stroke]
    except (ValueError, TypeError) as error:
        raise RuleBroken("convention.no_drawing") from error
    numbers = [number for point in points for number in point]
    if not all(type(n) is int and 0 <= n <= LARGEST_COORDINATE for n in numbers):
        raise RuleBroken("convention.no_drawing")
    if not FEWEST_POINTS <= len(points) <= MOST_POINTS or not _spreads(points):
        raise RuleBroken("convention.no_drawing")
    return [[[x, y] for x, y in stroke] for stroke in strokes]


def _spreads(points: Sequence[tuple[int, int]]) -> bool:
    """Whether a drawing covers more than a dot."""
    wide = max(x for x, _y in points) - min(x for x, _y in points)
    high = max(y for _x, y in points) - min(y for _x, y in points)
    return max(wide, high) >= SMALLEST_SIDE

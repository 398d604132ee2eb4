"""Everything that goes on paper: content in, PDF out."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from app.core import qr
from app.core.pdf import compile_pdf

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose paper it is, and where people can go."""

    community: str
    committee: str
    office: str
    hours: str
    desk_phone: str
    demo: bool


@dataclass(frozen=True, slots=True)
class PollLine:
    """A poll that a letter speaks of."""

    title: str
    when: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One household's letter: its address in words, its code in groups, what the QR carries."""

    address: str
    groups: tuple[str, ...]
    link: str


@dataclass(frozen=True, slots=True)
class LetterText:
    """What all letters of one printing say."""

    purpose: str
    polls: tuple[PollLine, ...]
    address_words: str
    printed: str


@dataclass(frozen=True, slots=True)
class Poster:
    """A poll's poster."""

    kind: str
    title: str
    when: str
    who: str
    effect: str
    link: str
    address_words: str


@dataclass(frozen=True, slots=True)
class NoticeTest:
    """A test with its numbers."""

    text: str
    passed: bool


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """An option with its votes."""

    title: str
    votes: str
    mark: str


@dataclass(frozen=True, slots=True)
class ResultNotice:
    """A result as it hangs on the board; `checkpoint` is a signed note."""

    heading: str
    kind: str
    title: str
    outcome: str
    tests: tuple[NoticeTest, ...]
    rows: tuple[NoticeRow, ...]
    turnout: tuple[str, ...]
    publication: tuple[str, ...]
    record_words: str
    checkpoint: str
    date: str


def letters_pdf(sender: Sender, text: LetterText, letters: Sequence[Letter]) -> bytes:
    """One page for each household, in the order given."""
    pages = [
        {"address": it.address, "groups": list(it.groups), "qr": qr.fast_svg(it.link)}
        for it in letters
    ]
    return compile_pdf("letter", asdict(sender) | asdict(text) | {"letters": pages}, tagged=False)


@dataclass(frozen=True, slots=True)
class MeetingItem:
    """One line of an agenda."""

    title: str
    speaker: str
    minutes: int


@dataclass(frozen=True, slots=True)
class MeetingNotice:
    """The notice of a meeting."""

    title: str
    form: str
    when: str
    where: str
    chairs: str
    question: str
    items: tuple[MeetingItem, ...]
    materials: tuple[str, ...]
    places: str
    announced: str
    link: str
    address_words: str
    off: str = ""
    why: str = ""


def meeting_pdf(sender: Sender, notice: MeetingNotice) -> bytes:
    """The notice of a meeting, A4."""
    code = {"qr": qr.fast_svg(notice.link)}
    return compile_pdf("meeting", asdict(sender) | asdict(notice) | code)


def poster_pdf(sender: Sender, poster: Poster) -> bytes:
    """One page with a code to be scanned from a metre away: error correction Q."""
    code = {"qr": qr.fast_svg(poster.link, "Q")}
    return compile_pdf("poster", asdict(sender) | asdict(poster) | code)


def result_notice_pdf(sender: Sender, notice: ResultNotice) -> bytes:
    """The result notice, on as many pages as its options need."""
    code = {"checkpoint_qr": qr.fast_svg(notice.checkpoint, "L")}
    shown = {"checkpoint": breakable(notice.checkpoint)}
    return compile_pdf("notice", asdict(sender) | asdict(notice) | code | shown)


def breakable(text: str, every: int = 40) -> str:
    """Long words with invisible places to break, so that a signature stays on the paper."""
    return re.sub(rf"(\S{{{every}}})(?=\S)", "\\1\u200b", text)

"""Everything that goes on paper: content in, PDF out."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from app.core import qr
from app.core.pdf import compile_long, compile_pdf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# More letters at once take more memory, fewer carry the fonts more often: docs/adr/0011.
LETTERS_A_PART = 60
POSTER_SIZES = ("a4", "a3")


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
    """One household's letter: its address in words, its code in groups, what the QR carries.

    `building` and `walk` are its place among the envelopes: 12甲号楼, 第 3 封 / 共 36 封.
    """

    address: str
    building: str
    walk: str
    groups: tuple[str, ...]
    link: str


@dataclass(frozen=True, slots=True)
class LetterText:
    """What all letters of one printing say."""

    purpose: str
    polls: tuple[PollLine, ...]
    more_polls: str
    address_words: str
    printed: str


@dataclass(frozen=True, slots=True)
class Poster:
    """A poll's poster; `size` is a4 or a3."""

    size: str
    kind: str
    title: str
    when: str
    who: str
    effect: str
    invitation: str
    link: str
    address_words: str


@dataclass(frozen=True, slots=True)
class FacilitySheet:
    """What hangs at a finished facility: whose it is now, and where it is rated."""

    title: str
    invitation: str
    upkeep: str
    link: str
    address_words: str


@dataclass(frozen=True, slots=True)
class NoticeTest:
    """A test with its numbers."""

    text: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """A table: each header says whether its column holds numbers."""

    headers: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class ResultNotice:
    """A result as it hangs on the board; `checkpoint` is a signed note."""

    heading: str
    kind: str
    title: str
    outcome: str
    tests: tuple[NoticeTest, ...]
    figures: Figures
    turnout: tuple[str, ...]
    publication: tuple[str, ...]
    record_words: str
    checkpoint: str
    date: str


def write_letters(
    sender: Sender,
    text: LetterText,
    letters: Iterable[Letter],
    out: BinaryIO,
    told: Callable[[int], None] = lambda _done: None,
) -> int:
    """One page for each household, in the order given; gives the number of pages.

    `told` hears how many letters are laid out so far.
    """

    def parts() -> Iterator[dict[str, object]]:
        rest, done = iter(letters), 0
        while some := list(islice(rest, LETTERS_A_PART)):
            pages = [asdict(it) | {"qr": qr.fast_svg(it.link)} for it in some]
            yield asdict(sender) | asdict(text) | {"letters": pages}
            done += len(some)
            told(done)

    return compile_long("letter", parts(), sender.community, out)


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One home of a delivery list: the number on its letter, where it is, when that was printed."""

    number: str
    stairwell: str
    room: str
    printed: str


@dataclass(frozen=True, slots=True)
class DeliveryList:
    """The homes of one building in the order of their envelopes. No names, no codes, no phones."""

    building: str
    count: str
    lines: tuple[DeliveryLine, ...]
    printed: str


def write_delivery_lists(sender: Sender, lists: Iterable[DeliveryList], out: BinaryIO) -> int:
    """One list for each building, each numbered by itself; gives the number of pages."""
    parts = (asdict(sender) | asdict(one) for one in lists)
    return compile_long("delivery", parts, sender.community, out)


@dataclass(frozen=True, slots=True)
class RoundLine:
    """One door: its room, and what is brought there. No name, no phone, no choice."""

    room: str
    what: str


@dataclass(frozen=True, slots=True)
class Round:
    """The doors of one stairwell in the order in which one walks."""

    where: str
    heading: str
    count: str
    lines: tuple[RoundLine, ...]
    hint: str
    printed: str


def write_rounds(sender: Sender, rounds: Iterable[Round], out: BinaryIO) -> int:
    """A list for each stairwell in large type, with boxes to tick; gives the number of pages."""
    parts = (asdict(sender) | asdict(one) for one in rounds)
    return compile_long("round", parts, sender.community, out)


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
    corrections: tuple[str, ...] = ()
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


def facility_pdf(sender: Sender, sheet: FacilitySheet) -> bytes:
    """One page in A4 with a code to be scanned from a metre away: error correction Q."""
    code = {"qr": qr.fast_svg(sheet.link, "Q")}
    return compile_pdf("facility", asdict(sender) | asdict(sheet) | code)


def result_notice_pdf(sender: Sender, notice: ResultNotice) -> bytes:
    """The result notice, on as many pages as its options need."""
    code = {"checkpoint_qr": qr.fast_svg(notice.checkpoint, "L")}
    shown = {"checkpoint": breakable(notice.checkpoint)}
    return compile_pdf("notice", asdict(sender) | asdict(notice) | code | shown)


@dataclass(frozen=True, slots=True)
class ResultForm:
    """All figures of a closed poll on a form to be signed and filed."""

    kind: str
    title: str
    outcome: str
    facts: tuple[tuple[str, str], ...]
    rules: tuple[str, ...]
    figures: Figures
    tests: tuple[NoticeTest, ...]
    channels: tuple[tuple[str, str], ...]
    life: tuple[tuple[str, str], ...]
    record_words: str
    checkpoint: str
    made: str


def result_form_pdf(sender: Sender, form: ResultForm) -> bytes:
    """The result form, with room for signatures."""
    shown = {"checkpoint": breakable(form.checkpoint)}
    return compile_pdf("result_form", asdict(sender) | asdict(form) | shown)


@dataclass(frozen=True, slots=True)
class TookPart:
    """That a household took part in polls: each with its kind and the day. Never a choice."""

    address: str
    polls: tuple[tuple[str, str, str], ...]
    made: str


def took_part_pdf(sender: Sender, paper: TookPart) -> bytes:
    """The certificate of having taken part."""
    return compile_pdf("took_part", asdict(sender) | asdict(paper))


@dataclass(frozen=True, slots=True)
class ProxyForm:
    """A written authority to be filled in and signed: for which poll, of which household.

    `address` is empty where it is to be written in; `serial` stands on this sheet alone.
    """

    title: str
    closes: str
    address: str
    serial: str
    printed: str


def proxy_form_pdf(sender: Sender, paper: ProxyForm) -> bytes:
    """One sheet to be signed by hand."""
    return compile_pdf("proxy", asdict(sender) | asdict(paper))


@dataclass(frozen=True, slots=True)
class Receipt:
    """A resident's own receipt. All words come along: it speaks the language of whoever prints it.

    `choice` is on no paper of the desk.
    """

    lang: str
    heading: str
    title: str
    facts: tuple[tuple[str, str], ...]
    code_title: str
    groups: tuple[str, ...]
    code_words: str
    record_words: str
    checkpoint_title: str
    checkpoint: str
    foot: str


def receipt_pdf(sender: Sender, receipt: Receipt) -> bytes:
    """One page for the resident's own drawer."""
    shown = {"checkpoint": breakable(receipt.checkpoint)}
    return compile_pdf("receipt", asdict(sender) | asdict(receipt) | shown)


def breakable(text: str, every: int = 40) -> str:
    """Long words with invisible places to break, so that a signature stays on the paper."""
    return re.sub(rf"(\S{{{every}}})(?=\S)", "\\1\u200b", text)

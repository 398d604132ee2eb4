"""Whether residents, their representatives or the owners have decided. Pure.

Sources in docs/rules.md, "Resolutions of meetings". Whatever is adopted by such a meeting asks
here: the convention, and a topic that was submitted to a vote.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import RuleBroken


class Body(StrEnum):
    """Who decides."""

    RESIDENTS_MEETING = "residents_meeting"
    REPRESENTATIVES_MEETING = "representatives_meeting"
    POLL = "poll"
    OWNERS = "owners"


MEETINGS = frozenset({Body.RESIDENTS_MEETING, Body.REPRESENTATIVES_MEETING})


class Matter(StrEnum):
    """What owners decide on together: items 1 to 5 and 9, or items 6 to 8 of art. 278."""

    SIMPLE = "simple"
    MAJOR = "major"


class Verdict(StrEnum):
    """What a vote came to."""

    PASSED = "passed"
    NO_QUORUM = "no_quorum"
    NOT_PASSED = "not_passed"


@dataclass(frozen=True, slots=True)
class Resolution:
    """A meeting's resolution as the desk enters it; heads.

    `base` is what the quorum is taken of: adults or households for a residents' meeting, members
    for a representatives' meeting, of whom `representatives` are residents' representatives.
    """

    body: Body
    base: int
    present: int
    in_favour: int
    representatives: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """Owners by their exclusive area in 0.01 m², and by heads."""

    area_c: int
    heads: int


@dataclass(frozen=True, slots=True)
class OwnersVote:
    """A joint decision of owners as its organiser announced it; abstentions took part."""

    matter: Matter
    total: Share
    took_part: Share
    in_favour: Share


def verdict_of_owners(vote: OwnersVote) -> Verdict:
    """What a joint decision of owners comes to, by area and by heads, in whole products.

    At least two thirds take part; of those more than half agree, in major matters at least three
    quarters. Source: Civil Code, art. 278 and 1259. Raises: RuleBroken resolution.owners.
    """
    pairs = [
        (getattr(vote.total, unit), getattr(vote.took_part, unit), getattr(vote.in_favour, unit))
        for unit in ("area_c", "heads")
    ]
    if not all(0 <= favour <= part <= total and total for total, part, favour in pairs):
        raise RuleBroken("resolution.owners")
    if not all(3 * part >= 2 * total for total, part, _favour in pairs):
        return Verdict.NO_QUORUM
    if vote.matter is Matter.MAJOR:
        agreed = all(4 * favour >= 3 * part for _total, part, favour in pairs)
    else:
        agreed = all(2 * favour > part for _total, part, favour in pairs)
    return Verdict.PASSED if agreed else Verdict.NOT_PASSED


def verdict_of(resolution: Resolution) -> Verdict:
    """What the numbers of a meeting come to.

    Residents' meeting: more than half present, more than half of those in favour (art. 27).
    Representatives' meeting: at least four fifths of members are representatives, at least two
    thirds present, more than half of those in favour (art. 28, 29). Source: Organic Law of Urban
    Residents Committees (2025 revision). Raises: RuleBroken resolution.numbers,
    resolution.composition for numbers that no lawful meeting can have.
    """
    base, present, favour = resolution.base, resolution.present, resolution.in_favour
    if not 0 <= favour <= present <= base or base == 0:
        raise RuleBroken("resolution.numbers")
    if resolution.body is Body.REPRESENTATIVES_MEETING:
        if not 4 * base <= 5 * resolution.representatives <= 5 * base:
            raise RuleBroken("resolution.composition")
        quorate = 3 * present >= 2 * base
    else:
        quorate = 2 * present > base
    if not quorate:
        return Verdict.NO_QUORUM
    return Verdict.PASSED if 2 * favour > present else Verdict.NOT_PASSED


def check_resolution(resolution: Resolution) -> None:
    """Whether a meeting could adopt, and did.

    Raises: RuleBroken resolution.numbers, resolution.composition, resolution.quorum,
    resolution.majority.
    """
    verdict = verdict_of(resolution)
    base, present, favour = resolution.base, resolution.present, resolution.in_favour
    if verdict is Verdict.NO_QUORUM:
        raise RuleBroken("resolution.quorum", present=present, base=base)
    if verdict is Verdict.NOT_PASSED:
        raise RuleBroken("resolution.majority", in_favour=favour, present=present)

"""Whether a meeting of residents, or of their representatives, has decided. Pure.

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

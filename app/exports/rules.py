"""For whom a printing makes letters, and what becomes of the letters they have. Pure.

Source: docs/rules.md, "Getting in": printing a letter again makes a new code and voids the old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SLOWEST_LETTERS_A_SECOND = 100


class HaveLetter(StrEnum):
    """What to do with homes whose letter still works."""

    SKIP = "skip"
    REISSUE = "reissue"
    # Of a demo city alone, whose codes can be worked out again.
    AGAIN = "again"
    # Nothing was said: refuse, so that nobody voids a thousand letters by leaving out a word.
    UNSAID = "unsaid"


@dataclass(frozen=True, slots=True)
class LetterPlan:
    """What a printing would do. Households by id, each in the order of the walk.

    `first` get their first letter or one after a revoked or expired code, `voided` lose a letter
    that works, `again` get the same once more, `skipped` get none. `stamp` changes whenever a code
    of one of these homes is made, so that the same form sent twice is noticed.
    """

    first: tuple[int, ...]
    voided: tuple[int, ...]
    again: tuple[int, ...]
    skipped: tuple[int, ...]
    stamp: int

    @property
    def letters(self) -> int:
        """How many letters there will be."""
        return len(self.first) + len(self.voided) + len(self.again)


def plan_letters(
    homes: Sequence[int],
    codes: Mapping[int, tuple[int, bool]],
    have_letter: HaveLetter,
    *,
    demo: bool,
) -> LetterPlan:
    """Sort homes by what a printing does to them.

    `codes` tells for each home that ever had a code how many it had and whether the newest works.
    Raises: RuleBroken letters.demo_only for showing codes again outside a demo; letters.unsaid when
    homes have letters that work and nobody said what to do with those.
    """
    living = tuple(home for home in homes if codes.get(home, (0, False))[1])
    known = set(living)
    first = tuple(home for home in homes if home not in known)
    stamp = sum(codes.get(home, (0, False))[0] for home in homes)
    if have_letter is HaveLetter.AGAIN and not demo:
        raise RuleBroken("letters.demo_only")
    if have_letter is HaveLetter.UNSAID and living:
        raise RuleBroken("letters.unsaid", living=len(living), homes=len(homes))
    return LetterPlan(
        first=first,
        voided=living if have_letter is HaveLetter.REISSUE else (),
        again=living if have_letter is HaveLetter.AGAIN else (),
        skipped=living if have_letter is HaveLetter.SKIP else (),
        stamp=stamp,
    )


def seconds_for(letters: int) -> int:
    """How long a printing may take on a slow machine, in whole seconds rounded up to fives."""
    return -(-letters // (5 * SLOWEST_LETTERS_A_SECOND)) * 5

"""What can be set for a place: its sort, bounds, default and source. Pure; docs/settings.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.communities.standards import FIGURES, UNITS
from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

LONGEST_TEXT = 120
LONGEST_REASON = 300
YES, NO = "yes", "no"


class Sort(StrEnum):
    """What kind of value a setting takes."""

    NUMBER = "number"
    TEXT = "text"
    YES_NO = "yes_no"


class Law(StrEnum):
    """Where a default comes from, or the bound below which nobody may go."""

    PUBLICATION = "organic_law_34"
    BEFOREHAND = "organic_law_32"
    REVOCATION = "civil_code_280"
    OWNERS = "civil_code_278"
    OPERATOR_NAMED = "pipl_17"
    ICP = "decree_292"
    STANDARD = "community_standard"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set. `least_by` names the law behind `least`; numbers have a unit."""

    key: str
    sort: Sort
    default: str
    source: Law
    unit: str = ""
    least: int = 0
    most: int = 0
    least_by: Law = Law.CHOICE
    shape: str = ""

    @property
    def lawful_least(self) -> bool:
        """Whether it is a law that lets nobody go below `least`."""
        return self.least_by is not Law.CHOICE

    @property
    def of_the_standard(self) -> bool:
        """Whether this is a figure of the trial standard: pages show those apart."""
        return self.source is Law.STANDARD


def _number(key: str, default: int, source: Law, unit: str, bounds: tuple[int, int]) -> Setting:
    return Setting(key, Sort.NUMBER, str(default), source, unit, *bounds)


_PHONE = r"[0-9()（）+ -]{3,30}"
_ICP = r"[\u4e00-\u9fff]ICP[备证][0-9]{6,12}号(-[0-9]{1,3})?"

CATALOGUE: dict[str, Setting] = {
    one.key: one
    for one in (
        Setting(
            "publication_days",
            Sort.NUMBER,
            "15",
            Law.PUBLICATION,
            unit="day",
            least=15,
            most=60,
            least_by=Law.PUBLICATION,
        ),
        _number("notice_days", 7, Law.BEFOREHAND, "day", (3, 30)),
        _number("code_valid_days", 366, Law.CHOICE, "day", (30, 1096)),
        _number("members_per_household", 8, Law.CHOICE, "person", (1, 20)),
        Setting(
            "keep_choices_days",
            Sort.NUMBER,
            "1826",
            Law.REVOCATION,
            unit="day",
            least=366,
            most=3653,
            least_by=Law.REVOCATION,
        ),
        Setting("owners_advisory", Sort.YES_NO, NO, Law.OWNERS),
        Setting("age_at_desk", Sort.YES_NO, NO, Law.CHOICE),
        Setting("complaint_phone", Sort.TEXT, "", Law.OPERATOR_NAMED, shape=_PHONE),
        Setting("operator", Sort.TEXT, "", Law.OPERATOR_NAMED),
        Setting("icp", Sort.TEXT, "", Law.ICP, shape=_ICP),
        *(
            _number(key, one.number, Law.STANDARD, UNITS[one.measure], (one.least, one.most))
            for key, one in FIGURES.items()
        ),
    )
}


def setting(key: str) -> Setting:
    """The setting of this name. Raises: RuleBroken setting.unknown."""
    if key not in CATALOGUE:
        raise RuleBroken("setting.unknown")
    return CATALOGUE[key]


def checked(key: str, typed: str) -> str:
    """A value as it is kept. Raises: RuleBroken setting.*, for what cannot be this setting's."""
    one = setting(key)
    tidy = " ".join(typed.split())
    if not tidy:
        raise RuleBroken("setting.empty")
    if one.sort is Sort.NUMBER:
        return _checked_number(one, tidy)
    return tidy if one.sort is Sort.YES_NO and tidy in {YES, NO} else _checked_text(one, tidy)


def _checked_text(one: Setting, tidy: str) -> str:
    if one.sort is Sort.YES_NO:
        raise RuleBroken("setting.empty")
    if len(tidy) > LONGEST_TEXT:
        raise RuleBroken("setting.too_long", most=LONGEST_TEXT)
    if one.shape and not re.fullmatch(one.shape, tidy):
        raise RuleBroken("setting.shape", key=one.key)
    return tidy


def _checked_number(one: Setting, tidy: str) -> str:
    if not re.fullmatch(r"[0-9]{1,6}", tidy):
        raise RuleBroken("setting.not_a_number")
    number = int(tidy)
    if number < one.least:
        raise RuleBroken("setting.too_low", key=one.key, least=one.least)
    if number > one.most:
        raise RuleBroken("setting.too_high", key=one.key, most=one.most)
    return str(number)


def check_reason(reason: str) -> str:
    """Why a value changes, for whoever reads the log. Raises: RuleBroken setting.no_reason."""
    tidy = reason.replace("\r", "").strip()
    if not tidy:
        raise RuleBroken("setting.no_reason")
    if len(tidy) > LONGEST_REASON:
        raise RuleBroken("setting.too_long", most=LONGEST_REASON)
    return tidy


def changes(now: str, seen: str, wanted: str) -> bool:
    """Whether a place's own value (empty: none) is to become `wanted`; what is there already stays.

    Raises: RuleBroken setting.changed_meanwhile when it is not what whoever decided has seen.
    """
    if now == wanted:
        return False
    if now != seen:
        raise RuleBroken("setting.changed_meanwhile")
    return True


@dataclass(frozen=True, slots=True)
class Said:
    """A value that a place set for itself and all below it. `place` is empty for the community."""

    key: str
    value: str
    place: int
    set_at: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """The value that holds at a place, and who said so; `by` is None for the default."""

    value: str
    by: Said | None


def held(
    key: str, chain: Iterable[int], said: Mapping[tuple[int, str], Said], default: str
) -> Held:
    """The nearest value up the chain of places (0 is the community itself), else the default.

    A value that a law no longer allows does not hold: the next one up does.
    """
    for place in chain:
        one = said.get((place, key))
        if one is not None and _still_lawful(one):
            return Held(one.value, one)
    return Held(default, None)


def _still_lawful(one: Said) -> bool:
    try:
        return checked(one.key, one.value) == one.value
    except RuleBroken:
        return False

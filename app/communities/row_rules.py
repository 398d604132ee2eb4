"""What may be put right in one entry of the roll, as it was typed. Pure.

Empty means: leave it as it is. Sources: Personal Information Protection Law art. 46 (to have put
right what is wrong), docs/rules.md, "The roll".
"""

from __future__ import annotations

from dataclasses import dataclass

from app.communities import rules
from app.core.errors import RuleBroken


@dataclass(frozen=True, slots=True)
class RowChange:
    """Values as the roll keeps them; None leaves a field as it is. Areas in 0.01 m²."""

    phones: str | None = None
    owner_name: str | None = None
    household_head: str | None = None
    area_registered_c: int | None = None

    def fields(self) -> dict[str, str | int]:
        """What is to be changed, by the roll's own names."""
        values = {
            "phones": self.phones,
            "owner_name": self.owner_name,
            "household_head": self.household_head,
            "area_registered_c": self.area_registered_c,
        }
        return {name: value for name, value in values.items() if value is not None}


def row_change(*, phones: str, owner: str, head: str, area: str) -> RowChange:
    """What was typed, as the roll keeps it.

    Raises: RuleBroken row.nothing, row.phone, row.area, row.too_long.
    """
    change = RowChange(
        phones=_phones(phones),
        owner_name="、".join(rules.owner_names(owner)) or None,
        household_head=rules.person_name(head) or None,
        area_registered_c=_area(area),
    )
    if not change.fields():
        raise RuleBroken("row.nothing")
    _fit(change)
    return change


def new_owner(*, owner: str, phones: str) -> RowChange:
    """The entry of a household that has other owners: nothing of the former ones is left.

    The new owners' phones may be unknown. Raises: RuleBroken row.no_owner, row.phone, row.too_long.
    """
    names = rules.owner_names(owner)
    if not names:
        raise RuleBroken("row.no_owner")
    change = RowChange(phones=_phones(phones) or "", owner_name="、".join(names), household_head="")
    _fit(change)
    return change


def _phones(text: str) -> str | None:
    if not text.strip():
        return None
    found = rules.phones(text)
    if not found:
        raise RuleBroken("row.phone")
    return " ".join(found)


def _area(text: str) -> int | None:
    if not text.strip():
        return None
    found = rules.area_c(text)
    if not found:
        raise RuleBroken("row.area")
    return found


def _fit(change: RowChange) -> None:
    longest = {
        "phones": rules.LONGEST_PHONES,
        "owner_name": rules.LONGEST_OWNERS,
        "household_head": rules.LONGEST_TEXT,
    }
    for name, value in change.fields().items():
        if isinstance(value, str) and len(value) > longest[name]:
            raise RuleBroken("row.too_long")

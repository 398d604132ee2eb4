"""What a community can set, with the default and where it comes from. Pages explain each."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from app.communities.models import CommunitySetting
from app.core.db import db


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting's default and its source."""

    default: int
    unit: str
    source: str


SETTINGS = {
    "publication_days": Setting(15, "day", "城市居民委员会组织法（2025 修订）第三十四条"),
    "code_valid_days": Setting(366, "day", "docs/rules.md"),
    "members_per_household": Setting(8, "person", "docs/rules.md"),
}


def value_of(community_id: int, key: str) -> int:
    """The community's value, else the default. Raises: KeyError for an unknown key."""
    default = SETTINGS[key].default
    stored = db.session.scalar(
        select(CommunitySetting.value).where(
            CommunitySetting.community_id == community_id, CommunitySetting.key == key
        )
    )
    return default if stored is None else int(stored)


def publication_days(community_id: int) -> int:
    """How many days a result stays in its publication period."""
    return value_of(community_id, "publication_days")

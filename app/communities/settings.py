"""What holds at a place: the nearest value up the chain, from the community to the installation."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from flask import current_app
from sqlalchemy import select

from app.communities import queries
from app.communities import setting_rules as rules
from app.communities.models import CommunitySetting, Jurisdiction, JurisdictionSetting
from app.communities.setting_rules import CATALOGUE, Held, Said, Setting
from app.config import SOME_COMMITTEE
from app.core.db import db

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.communities.queries import AreaView, CommunityView
    from app.config import Settings as Environment

# The community itself stands at the near end of its chain.
HERE = 0
_KEPT = "linyi_settings"
_NO_PLACE = ""
# What an installation decides by its environment, until a place says otherwise.
_INSTALLATION = frozenset({"complaint_phone", "icp", "operator"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting on its page: what holds, what the place itself said, what would hold without it.

    `place` names whoever said what holds; empty for the default. `own` is empty for none.
    """

    setting: Setting
    held: Held
    place: str
    own: str
    above: Held
    place_above: str
    installation: bool


def default_of(key: str) -> str:
    """The installation's value where its environment says one, else the project's."""
    settings: Environment = current_app.config["SETTINGS"]
    if key == "keep_choices_days":
        return dict(settings.retention).get("openings", CATALOGUE[key].default)
    if key not in _INSTALLATION:
        return CATALOGUE[key].default
    said: str = getattr(settings, key)
    return "" if said == SOME_COMMITTEE else said


def value_of(community_id: int, key: str) -> str:
    """What holds in a community now. Raises: KeyError for an unknown key; NotFound."""
    place = queries.community_by_id(community_id)
    return _held(
        key, (HERE, *place.jurisdiction_ids), _said(place.id, place.jurisdiction_ids)
    ).value


def number_of(community_id: int, key: str) -> int:
    """The same of a setting that is a whole number."""
    return int(value_of(community_id, key))


def number_above(jurisdiction_id: int, key: str) -> int:
    """A whole number that holds in a city, district or subdistrict now. Raises: NotFound."""
    area = queries.area_by_id(jurisdiction_id)
    return int(_held(key, area.jurisdiction_ids, _said(None, area.jurisdiction_ids)).value)


def publication_days(community_id: int) -> int:
    """How many days a result stays in its publication period."""
    return number_of(community_id, "publication_days")


def said_number(community_id: int, key: str) -> int | None:
    """What a community or a place above it has set; None where nobody has."""
    place = queries.community_by_id(community_id)
    chain = (HERE, *place.jurisdiction_ids)
    held = _held(key, chain, _said(place.id, place.jurisdiction_ids))
    return int(held.value) if held.by is not None else None


def of_page(place: CommunityView | AreaView | None) -> Mapping[str, str]:
    """Every value that holds at a place, for what stands around its pages; kept for two seconds.

    A page of no place, such as the front page, has those of the installation's city.
    """
    kept: dict[str, tuple[float, dict[str, str]]] = current_app.extensions.setdefault(_KEPT, {})
    key = place.code if place else _NO_PLACE
    good_until, values = kept.get(key, (0.0, {}))
    now = monotonic()
    if not values or good_until < now:
        place = place or queries.city()
        chain, said = (_chain(place), _of(place)) if place else ((), {})
        values = {one: _held(one, chain, said).value for one in CATALOGUE}
        kept[key] = now + queries.KEPT_SECONDS, values
    return values


def forget(code: str) -> None:
    """Let the next page of a place read its values anew; others see them within two seconds."""
    kept: dict[str, object] = current_app.extensions.setdefault(_KEPT, {})
    for each in (code, _NO_PLACE):
        kept.pop(each, None)


def shown(place: CommunityView | AreaView) -> list[Shown]:
    """Every setting of a place, for its page."""
    chain, said, names = _chain(place), _of(place), _names(place)
    return [_shown(key, chain, said, names) for key in CATALOGUE]


def _shown(
    key: str, chain: tuple[int, ...], said: Mapping[tuple[int, str], Said], names: dict[int, str]
) -> Shown:
    now, above = _held(key, chain, said), _held(key, chain[1:], said)
    own = said.get((chain[0], key))
    return Shown(
        setting=CATALOGUE[key],
        held=now,
        place=names.get(now.by.place, "") if now.by else "",
        own=own.value if own else "",
        above=above,
        place_above=names.get(above.by.place, "") if above.by else "",
        installation=now.by is None and default_of(key) != CATALOGUE[key].default,
    )


def _held(key: str, chain: tuple[int, ...], said: Mapping[tuple[int, str], Said]) -> Held:
    return rules.held(key, chain, said, default_of(key))


def _chain(place: CommunityView | AreaView) -> tuple[int, ...]:
    here = (HERE,) if isinstance(place, queries.CommunityView) else ()
    return (*here, *place.jurisdiction_ids)


def _of(place: CommunityView | AreaView) -> dict[tuple[int, str], Said]:
    community_id = place.id if isinstance(place, queries.CommunityView) else None
    return _said(community_id, place.jurisdiction_ids)


def _said(community_id: int | None, above: tuple[int, ...]) -> dict[tuple[int, str], Said]:
    own = select(CommunitySetting.key, CommunitySetting.value, CommunitySetting.set_at).where(
        CommunitySetting.community_id == community_id, CommunitySetting.key.in_(list(CATALOGUE))
    )
    upper = select(
        JurisdictionSetting.key,
        JurisdictionSetting.value,
        JurisdictionSetting.jurisdiction_id,
        JurisdictionSetting.set_at,
    ).where(
        JurisdictionSetting.jurisdiction_id.in_(above), JurisdictionSetting.key.in_(list(CATALOGUE))
    )
    found = [Said(*row) for row in db.session.execute(upper)]
    if community_id is not None:
        rows = db.session.execute(own)
        found += [Said(row.key, row.value, HERE, row.set_at) for row in rows]
    return {(one.place, one.key): one for one in found}


def _names(place: CommunityView | AreaView) -> dict[int, str]:
    rows = db.session.execute(
        select(Jurisdiction.id, Jurisdiction.name).where(
            Jurisdiction.id.in_(place.jurisdiction_ids)
        )
    )
    here = {HERE: place.name} if isinstance(place, queries.CommunityView) else {}
    return {row.id: row.name for row in rows} | here

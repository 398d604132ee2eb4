"""The settings of a community, and of a city, district or subdistrict, over HTTP."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.communities import setting_operations as operations
from app.communities import setting_words as words
from app.communities import settings
from app.communities.forms import INHERIT, SET, SettingForm
from app.communities.setting_rules import CATALOGUE, LONGEST_REASON, Sort
from app.core import guard, web
from app.policy.table import Permission, allowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from app.communities.settings import Shown

bp = Blueprint("settings", __name__)
REFUSED = 422


@bp.get("/c/<code>/desk/settings")
@guard.needs(Permission.SETTINGS_VIEW)
def desk(code: str) -> ResponseReturnValue:
    """Show what holds in a community, and who said so."""
    return _list(Permission.SETTINGS_CHANGE, lambda key: _desk_address(code, key))


@bp.get("/d/<jurisdiction>/settings")
@guard.needs(Permission.DISTRICT_VIEW)
def area(jurisdiction: str) -> ResponseReturnValue:
    """Show what holds in a city, district or subdistrict, and who said so."""
    return _list(Permission.AREA_SETTINGS, lambda key: _area_address(jurisdiction, key))


def _desk_address(code: str, key: str) -> str:
    return url_for("settings.desk_one", code=code, key=key)


def _area_address(jurisdiction: str, key: str) -> str:
    return url_for("settings.area_one", jurisdiction=jurisdiction, key=key)


def _list(change: Permission, address: Callable[[str], str]) -> ResponseReturnValue:
    changes = allowed(guard.current_actor(), change, g.place.place)
    every = settings.shown(g.place)
    return render_template(
        "communities/settings.html",
        place=g.place,
        is_area=change is Permission.AREA_SETTINGS,
        changes=changes,
        rows=_rows([one for one in every if not one.setting.of_the_standard], address),
        figures=_rows([one for one in every if one.setting.of_the_standard], address),
    )


def _rows(listed: list[Shown], address: Callable[[str], str]) -> list[tuple[dict[str, str], str]]:
    return [(_row(one), address(one.setting.key)) for one in listed]


def _row(one: Shown) -> dict[str, str]:
    key = one.setting.key
    return {
        "label": words.label(key),
        "value": words.value_text(key, one.held.value),
        "origin": words.origin(one, own=bool(one.own) and one.held.value == one.own),
        "about": words.about(key),
        "bounds": words.bounds_text(one.setting),
        "source": _source(one),
        "above": words.above_text(one) if one.own else "",
    }


def _source(one: Shown) -> str:
    """Where the default comes from, unless the line already says so."""
    if one.held.by is None or one.setting.lawful_least:
        return ""
    return words.source_text(one.setting.source)


@bp.route("/c/<code>/desk/settings/<key>", methods=["GET", "POST"])
@guard.needs(Permission.SETTINGS_CHANGE)
@guard.fresh
def desk_one(code: str, key: str) -> ResponseReturnValue:
    """Change what a community sets for itself, or give it back."""
    change = partial(
        operations.change_community_setting, guard.current_actor(), community_id=g.place.id
    )
    return _one(key, change, url_for("settings.desk", code=code), _desk_address(code, key))


@bp.route("/d/<jurisdiction>/settings/<key>", methods=["GET", "POST"])
@guard.needs(Permission.AREA_SETTINGS)
@guard.fresh
def area_one(jurisdiction: str, key: str) -> ResponseReturnValue:
    """Change what a place sets for itself and all below it, or give it back."""
    change = partial(
        operations.change_area_setting, guard.current_actor(), jurisdiction_id=g.place.id
    )
    back = url_for("settings.area", jurisdiction=jurisdiction)
    return _one(key, change, back, _area_address(jurisdiction, key))


def _one(key: str, change: Callable[..., None], back: str, here: str) -> ResponseReturnValue:
    if key not in CATALOGUE:
        abort(404)
    (one,) = [each for each in settings.shown(g.place) if each.setting.key == key]
    form = _form(one)

    def act() -> None:
        seen, reason = form.seen.data or "", form.reason.data or ""
        change(key=key, value=form.chosen, seen=seen, reason=reason)

    if request.method == "POST" and web.carried_out(form, act):
        settings.forget(g.place.code)
        web.tell("done", _("已改好，从现在起用新的值，记入公开记录。"))
        return redirect(back, 303)
    # What the next try is decided on is what this page shows now.
    form.seen.data = one.own
    return render_template(
        "communities/setting.html",
        place=g.place,
        form=form,
        row=_row(one),
        here=here,
        back_url=back,
        number=one.setting.sort is Sort.NUMBER,
        longest=LONGEST_REASON,
    ), (REFUSED if request.method == "POST" else 200)


def _form(one: Shown) -> SettingForm:
    now = one.own or one.held.value
    form = SettingForm(data={"value": now, "answer": now, "seen": one.own, "how": SET})
    if one.own:
        form.how.choices = [(SET, _("用下面的值")), (INHERIT, words.above_text(one))]
    else:
        del form.how
    if one.setting.sort is Sort.YES_NO:
        del form.value
        form.answer.choices = [(answer, words.yes_no(answer)) for answer in words.YES_NO]
    else:
        del form.answer
    return form

"""Pages about owners: what the desk sees before it confirms one, and what an owner may read.

These are routes of the room's one blueprint; the features' list names this module, which has all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, g, render_template, request
from flask_babel import gettext as _

from app.communities.rows import row_of
from app.communities.titles import title_of
from app.communities.words import area_text
from app.core import guard
from app.core.times import full_day_text
from app.people import browser, holdings, owners, words
from app.people.member_views import about_member, bp, note_about
from app.people.rules import OWNER_LASTS
from app.policy.table import Permission

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@bp.get("/c/<code>/mine/title")
@guard.needs(Permission.TITLE_VIEW)
def title(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show an owner what the roll holds of the home, and how it counts among owners."""
    actor = browser.current_actor()
    home = actor.home_in(g.place.id)
    if home is None:
        abort(404)
    held = title_of(g.place.id, home.household_id)
    return render_template(
        "people/title.html",
        place=g.place,
        held=held,
        units=[words.unit_line(one) for one in held.units],
        area=area_text(held.counted.area_c),
        until=_until(actor.require_person(), home.household_id),
    )


def _until(person_id: int, household_id: int) -> str:
    """The day until which somebody counts as an owner."""
    until = holdings.owner_until(g.place.id, person_id, household_id)
    return full_day_text(until) if until is not None else ""


@bp.route(
    "/c/<code>/desk/households/<int:household_id>/members/<int:member_id>/owner",
    methods=["GET", "POST"],
)
@guard.needs(Permission.OWNER_CONFIRM)
def confirm_owner(code: str, household_id: int, member_id: int) -> ResponseReturnValue:
    """Note that somebody present is an owner of the home, once their papers were seen."""
    if request.method == "GET":
        return about_member(
            "people/confirm_owner.html",
            household_id,
            member_id,
            names=row_of(g.place.id, household_id).owner_name,
            years=OWNER_LASTS.days // 365,
        )
    done = _("记好了：这一位是这套房的业主。本户会看到，证件号没有记。")
    return note_about(code, household_id, member_id, owners.confirm_owner, done)


@bp.route(
    "/c/<code>/desk/households/<int:household_id>/members/<int:member_id>/owner/end",
    methods=["GET", "POST"],
)
@guard.needs(Permission.OWNER_CONFIRM)
def end_owner(code: str, household_id: int, member_id: int) -> ResponseReturnValue:
    """Take back that somebody is an owner of the home."""
    if request.method == "GET":
        return about_member("people/end_owner.html", household_id, member_id)
    done = _("取消了：这一位不再按业主看本户的登记。本户会看到。")
    return note_about(code, household_id, member_id, owners.end_owner, done)


__all__ = ["bp"]

"""Pages on which somebody has everything erased that is theirs, alone or at the desk.

These are routes of the room's one blueprint, to which `copy_views` adds the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.communities import queries as communities
from app.core import guard, web
from app.core.errors import NotFound
from app.keeping import persons
from app.people import browser, member_queries, words
from app.policy.table import Permission
from app.portal.forms import EraseForm, ErasePresentForm
from app.portal.own_data import longest_in_backups
from app.portal.views import bp

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue


@bp.route("/c/<code>/mine/data/erase", methods=["GET", "POST"])
@guard.needs(Permission.OWN_DATA_ERASE)
def erase(code: str) -> ResponseReturnValue:
    """Say what is erased and what stays; with a tick, do it."""
    form, actor = EraseForm(), browser.current_actor()
    if web.carried_out(
        form,
        lambda: persons.erase_own(actor, community_id=g.place.id, texts=bool(form.texts.data)),
    ):
        browser.end()
        web.ended_here()
        web.tell("done", _("您的资料已经删除，所有手机上都退出了。投过的票照样算，没有您的名字。"))
        answer: Response = redirect(url_for("portal.community_home", code=code), 303)  # type: ignore[assignment]
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer
    homes = [
        communities.address_of(home.community_id, home.household_id).text for home in actor.homes
    ]
    return render_template(
        "portal/erase.html",
        place=g.place,
        form=form,
        homes=homes,
        days=longest_in_backups(),
    ), _status(form)


@bp.route(
    "/c/<code>/desk/households/<int:household_id>/members/<int:member_id>/erase",
    methods=["GET", "POST"],
)
@guard.needs(Permission.PERSON_ERASE)
@guard.fresh
def erase_present(code: str, household_id: int, member_id: int) -> ResponseReturnValue:
    """The same for somebody who stands at the desk."""
    form, home = ErasePresentForm(), communities.address_of(g.place.id, household_id)

    def act() -> None:
        persons.erase_present(
            browser.current_actor(),
            community_id=g.place.id,
            household_id=household_id,
            member_id=member_id,
            texts=bool(form.texts.data),
        )

    try:
        done = web.carried_out(form, act)
    except NotFound:
        # From a page that was open in another tab: whoever is not there is erased.
        web.tell("info", _("这一行已经不在了，可能刚才已经删除。不用再办一次。"))
        return redirect(url_for("people.desk_household", code=code, household_id=household_id), 303)
    if done:
        web.tell("done", _("已经删除，那一位的手机都退出了。本户会看到这件事。"))
        return redirect(url_for("people.desk_household", code=code, household_id=household_id), 303)
    line = member_queries.member_or_former(g.place.id, household_id, member_id)
    return render_template(
        "portal/erase_present.html",
        place=g.place,
        form=form,
        address=home,
        member=words.members([line], None)[0],
        days=longest_in_backups(),
    ), _status(form)


def _status(form: EraseForm | ErasePresentForm) -> int:
    return 422 if request.method == "POST" and form.errors else 200


__all__ = ["bp"]

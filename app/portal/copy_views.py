"""A copy of what is kept about somebody who stands at the desk, for them to take along.

Whoever left a household or has another phone is a new person to the portal: what is kept under the
former membership they can see nowhere else. The clerk gets a file and no page that shows it.
These are routes of the room's one blueprint; the features' list names this module.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import g, render_template
from flask_babel import gettext as _

from app.communities import queries as communities
from app.core import clock, guard, web
from app.core.errors import RuleBroken
from app.core.pdf import compile_pdf
from app.core.times import full_day_text, in_record_language
from app.exports import papers
from app.exports.views import PDF, download
from app.keeping import persons
from app.people import browser, member_queries, words
from app.policy.table import Permission
from app.portal.erasing_views import bp
from app.portal.forms import CopyAs, CopyPresentForm
from app.portal.own_data import Kept, as_data, kept_at_desk

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

MEMBER = "/c/<code>/desk/households/<int:household_id>/members/<int:member_id>"
JSON = "application/json"


@bp.get(f"{MEMBER}/copy")
@guard.needs(Permission.PERSON_COPY)
@guard.fresh
def copy_present(code: str, household_id: int, member_id: int) -> ResponseReturnValue:  # noqa: ARG001
    """Say what the copy holds and how it is handed out, before it is made."""
    return _page(household_id, member_id, CopyPresentForm(formdata=None))


@bp.post(f"{MEMBER}/copy")
@guard.needs(Permission.PERSON_COPY)
@guard.fresh_file
def copy_file(code: str, household_id: int, member_id: int) -> ResponseReturnValue:
    """Hand the copy out as a file to print, or to put on a stick of theirs."""
    form = CopyPresentForm()
    if not form.validate_on_submit():
        return _page(household_id, member_id, form)
    how = CopyAs(form.how.data)
    try:
        person_id = persons.copy_present(
            browser.current_actor(),
            community_id=g.place.id,
            household_id=household_id,
            member_id=member_id,
            how=how.value,
        )
    except RuleBroken as refusal:
        form.form_errors.append(web.sentence(refusal))
        return _page(household_id, member_id, form)
    with in_record_language():
        kept = kept_at_desk(g.place.id, person_id, household_id)
        if how is CopyAs.FILE:
            data = json.dumps(as_data(kept), ensure_ascii=False, indent=1).encode()
            return download(data, JSON, f"{code}-copy.json")
        return download(_print(kept), PDF, f"{code}-copy.pdf")


def _print(kept: list[Kept]) -> bytes:
    sender = papers.sender(g.place)
    return compile_pdf(
        "own_data",
        {
            "community": sender.community,
            "demo": sender.demo,
            "made": _("%(day)s印，交给本人", day=full_day_text(clock.now())),
            "kept": [
                {
                    "title": one.title,
                    "purpose": one.purpose,
                    "how_long": _("怎么保存：%(how_long)s", how_long=one.how_long),
                    "lines": [[line.words, line.written] for line in one.lines],
                }
                for one in kept
            ],
        },
    )


def _page(household_id: int, member_id: int, form: CopyPresentForm) -> ResponseReturnValue:
    line = member_queries.member_or_former(g.place.id, household_id, member_id)
    return render_template(
        "portal/copy_present.html",
        place=g.place,
        form=form,
        address=communities.address_of(g.place.id, household_id),
        member=words.members([line], None)[0],
    ), (422 if form.errors else 200)


__all__ = ["bp"]

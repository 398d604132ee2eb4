"""Pages at the desk for what somebody present wants to say, propose, or come to."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.assisting import operations, visits
from app.assisting.forms import ProposeForm, SayForm
from app.assisting.views import REFUSED, bp
from app.consultations.proposing import TopicText
from app.core import guard, web
from app.core.errors import NotFound
from app.core.times import in_record_language
from app.discussion import steps as discussion
from app.discussion.writing import Written
from app.meetings.rules import SeatState
from app.people import browser
from app.policy.table import Permission

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

ONCE_BYTES = 8


@bp.route("/c/<code>/desk/visits/<int:visit_id>/topics/<topic_id>/say", methods=["GET", "POST"])
@guard.needs(Permission.ASSIST)
def say(code: str, visit_id: int, topic_id: str) -> ResponseReturnValue:
    """Write the opinion of whoever is present."""
    found = visits.look(browser.current_actor(), g.place.id, visit_id)
    subject, form = f"topic:{topic_id}", SayForm()
    topic = discussion.subject_of(g.place.id, subject)

    def act() -> None:
        operations.write_for_present(
            browser.current_actor(),
            community_id=g.place.id,
            visit_id=visit_id,
            subject=subject,
            written=Written(form.text.data or "", form.once.data or ""),
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("意见交上去了，审核以后公布，不写姓名。已经告诉本户。"))
        return redirect(url_for("assisting.visit", code=code, visit_id=visit_id), 303)
    if not topic.open:
        raise NotFound("topic")
    form.once.data = form.once.data or secrets.token_hex(ONCE_BYTES)
    page = render_template(
        "assisting/say.html",
        large_type=True,
        place=g.place,
        visit=found,
        topic=topic,
        topic_id=topic_id,
        form=form,
    )
    return page, REFUSED if request.method == "POST" else 200


@bp.route("/c/<code>/desk/visits/<int:visit_id>/propose", methods=["GET", "POST"])
@guard.needs(Permission.ASSIST)
def propose(code: str, visit_id: int) -> ResponseReturnValue:
    """Propose a topic for whoever is present."""
    found, form = visits.look(browser.current_actor(), g.place.id, visit_id), ProposeForm()

    # It is kept, and read by everybody: never in the language of whoever typed it.
    with in_record_language():
        proposed_as = _("居民")

    def act() -> None:
        operations.propose_for_present(
            browser.current_actor(),
            community_id=g.place.id,
            visit_id=visit_id,
            text=TopicText(form.title.data or "", form.background.data or ""),
            sent=(proposed_as, form.once.data or ""),
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("议题提上去了，公开时只写“居民提出”。已经告诉本户。"))
        return redirect(url_for("assisting.visit", code=code, visit_id=visit_id), 303)
    form.once.data = form.once.data or secrets.token_hex(ONCE_BYTES)
    page = render_template(
        "assisting/propose.html", large_type=True, place=g.place, visit=found, form=form
    )
    return page, REFUSED if request.method == "POST" else 200


@bp.post("/c/<code>/desk/visits/<int:visit_id>/meetings/<meeting_id>/join")
@guard.needs(Permission.ASSIST)
def join(code: str, visit_id: int, meeting_id: str) -> ResponseReturnValue:
    """Take a place in a meeting for whoever is present."""
    state = operations.join_for_present(
        browser.current_actor(),
        community_id=g.place.id,
        visit_id=visit_id,
        meeting_id=meeting_id,
    )
    if state is SeatState.WAITING:
        web.tell("attention", _("座位满了，排在候补里。请过两天打电话或者再来问一问。"))
    else:
        web.tell("done", _("报上名了，已经告诉本户。到时候直接来签到。"))
    return redirect(url_for("assisting.visit", code=code, visit_id=visit_id), 303)


__all__ = ["bp"]

"""The parties of a meeting over HTTP: called by the desk, answering for themselves, seen there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, redirect, url_for
from flask_babel import gettext as _

from app.bodies import queries as bodies
from app.core import guard, web
from app.meetings import parties, queries
from app.meetings.forms import CallForm, PartyForm
from app.meetings.rules import Presence
from app.meetings.views import bp, desk_party_page, show_page
from app.people import browser
from app.policy.table import Permission

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

__all__ = ["bp"]


@bp.post("/c/<code>/desk/meetings/<meeting_id>/parties")
@guard.needs(Permission.MEETING_RUN)
def call(code: str, meeting_id: str) -> ResponseReturnValue:
    """Let a body be due at a meeting."""
    queries.meeting(g.place.id, meeting_id)
    form = CallForm()
    form.offer(bodies.bodies(g.place.id), ())

    def act() -> None:
        parties.call_body(
            browser.current_actor(),
            community_id=g.place.id,
            meeting_id=meeting_id,
            body_id=form.body.data,
        )

    if web.carried_out(form, act):
        web.tell("done", _("已列入应到的名单，并记入公开记录。"))
        return redirect(url_for("meetings.desk_meeting", code=code, meeting_id=meeting_id), 303)
    tried = PartyForm(formdata=None)
    tried.form_errors += [error for errors in form.errors.values() for error in errors]
    return desk_party_page(meeting_id, tried)


@bp.post("/c/<code>/desk/meetings/<meeting_id>/parties/<int:party_id>")
@guard.needs(Permission.MEETING_HOLD)
def seen(code: str, meeting_id: str, party_id: int) -> ResponseReturnValue:
    """Note whether a party came."""
    form = PartyForm()

    def act() -> None:
        parties.note_presence(
            browser.current_actor(),
            community_id=g.place.id,
            meeting_id=meeting_id,
            party_id=party_id,
            seen=form.said.data or "",
            reason=form.reason.data or "",
        )

    if web.carried_out(form, act):
        came = form.said.data == Presence.PRESENT.value
        web.tell("done", _("已记下：到场。") if came else _("已记下：没有到。"))
        return redirect(url_for("meetings.desk_meeting", code=code, meeting_id=meeting_id), 303)
    return desk_party_page(meeting_id, form)


@bp.post("/c/<code>/meetings/<meeting_id>/parties/<body_id>")
@guard.needs(Permission.BODY_ACT)
def answer(code: str, meeting_id: str, body_id: str) -> ResponseReturnValue:
    """Say for a body whether it comes."""
    form = PartyForm()

    def act() -> None:
        parties.answer_for_body(
            browser.current_actor(),
            community_id=g.place.id,
            meeting_id=meeting_id,
            body_id=body_id,
            answer=form.said.data or "",
            reason=form.reason.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("单位的答复已收到，公开在这一页上。开会以前还可以改。"))
        return redirect(url_for("meetings.show", code=code, meeting_id=meeting_id), 303)
    return show_page(meeting_id, form)

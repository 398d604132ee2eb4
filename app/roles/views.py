"""Roles over HTTP: who does what, proposing, deciding, ending, and a representative's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.communities import queries as communities
from app.core import guard, web
from app.core.actor import OF_A_MEETING, Role
from app.meetings import queries as meetings
from app.meetings.rules import OVER
from app.meetings.words import badge_of
from app.people import browser
from app.people.role_words import role_name, role_work
from app.policy.roles import (
    TERMS,
    Scope,
    latest_to_give,
    may_be_proposed,
    representatives_needed,
)
from app.policy.table import Permission
from app.roles import operations, queries, words
from app.roles.forms import DecideForm, EndForm, ProposeForm, UntilForm

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.roles.queries import Candidate

bp = Blueprint("roles", __name__)
bp.add_app_template_filter(role_name, "role_name")
REFUSED = 422


def _status() -> int:
    return REFUSED if request.method == "POST" else 200


@bp.get("/c/<code>/desk/roles")
@guard.needs(Permission.ROLE_VIEW)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show who does what now, what waits for a second person, and what ended."""
    place = g.place.place
    reader = queries.party(place, browser.current_actor().require_person())
    held, ended, waiting = queries.living(place), queries.ended(place), queries.waiting(place)
    scopes = {one.scope for one in [*held, *ended]} | {one.scope for one in waiting}
    homes = sum(one.households for one in communities.buildings(g.place.id))
    proposes = may_be_proposed(reader.roles())
    return render_template(
        "roles/desk.html",
        place=g.place,
        held=held,
        ended=ended,
        waiting=[(one, not queries.may_decide(place, one, reader)) for one in waiting],
        refused=queries.refused(place),
        scopes=queries.scope_words(g.place.id, scopes),
        stand_in=queries.stand_in(place),
        proposes=[(role, role_work(role), words.way(role)) for role in proposes],
        ends={role for role, terms in TERMS.items() if terms.ended_by & reader.roles()},
        reader=reader.person_id,
        representatives=sum(one.role is Role.REPRESENTATIVE for one in held),
        needed=representatives_needed(homes),
        homes=f"{homes:,}",
    )


@bp.route("/c/<code>/desk/roles/propose/<role>", methods=["GET", "POST"])
@guard.needs(Permission.ROLE_PROPOSE)
@guard.fresh
@guard.noted
def propose(code: str, role: str) -> ResponseReturnValue:
    """Propose a role for somebody, for another person to give."""
    wanted = _wanted(role)
    actor, place = browser.current_actor(), g.place.place
    resident = _resident()
    form = ProposeForm(meeting=f"meeting:{request.args.get('meeting', '')}")
    known = [resident] if resident else queries.candidates(place, wanted, actor.person_id)
    form.offer(known)
    form.offer_meetings(queries.coming_meetings(g.place.id))
    buildings = communities.buildings(g.place.id)
    form.offer_buildings(buildings)
    if resident and not form.is_submitted():
        form.person.data = resident.person_id

    def act() -> None:
        new = form.new(wanted, resident.person_id if resident else None)
        operations.propose_role(actor, community_id=g.place.id, new=new)

    if web.carried_out(form, act):
        web.tell("done", _("已提名，等另一个人同意。同意以前不生效。"))
        return redirect(url_for("roles.desk", code=code), 303)
    page = render_template(
        "roles/propose.html",
        place=g.place,
        form=form,
        role=wanted,
        work=role_work(wanted),
        way=words.way(wanted),
        resident=resident,
        known=known,
        member=request.args.get("member", ""),
        in_group=TERMS[wanted].scope is Scope.GROUP,
        for_meeting=wanted in OF_A_MEETING,
    )
    return page, _status()


def _wanted(role: str) -> Role:
    """The role that an address names; one that no community gives is noted when it is sent."""
    if role not in set(Role):
        abort(404)
    wanted = Role(role)
    if wanted not in TERMS:
        if request.method == "POST":
            actor = browser.current_actor()
            operations.note_beyond(actor, community_id=g.place.id, role=wanted)
        abort(404)
    return wanted


def _resident() -> Candidate | None:
    """Who was come to by their household's page. Raises: NotFound."""
    member = request.args.get("member", type=int)
    return queries.resident(g.place.place, member) if member else None


@bp.route("/c/<code>/desk/roles/proposals/<int:proposal_id>", methods=["GET", "POST"])
@guard.needs(Permission.ROLE_VIEW)
@guard.fresh
@guard.noted
def proposal(code: str, proposal_id: int) -> ResponseReturnValue:
    """Show a proposal; whoever may decides on it."""
    actor, place = browser.current_actor(), g.place.place
    one, form = queries.proposal(place, proposal_id), DecideForm()

    def act() -> None:
        operations.decide_role(
            actor,
            community_id=g.place.id,
            proposal_id=proposal_id,
            decision=form.decision,
        )

    if web.carried_out(form, act):
        given = form.decision.give
        web.tell("done", _("已同意，从现在起生效。") if given else _("没有同意，已经记下。"))
        return redirect(url_for("roles.desk", code=code), 303)
    reader = queries.party(place, actor.require_person())
    problem = queries.may_decide(place, one, reader)
    page = render_template(
        "roles/proposal.html",
        place=g.place,
        one=one,
        form=form,
        scope=queries.scope_words(g.place.id, {one.scope}).get(one.scope, ""),
        work=role_work(one.role),
        decides=not problem,
        why_not=words.why_not(problem) if problem else "",
        too_late=words.too_late(latest_to_give(reader, one.role, opens=one.opens), one.ends_at),
    )
    return page, _status()


@bp.route("/c/<code>/desk/roles/<int:grant_id>/end", methods=["GET", "POST"])
@guard.signed_in
@guard.fresh
def end(code: str, grant_id: int) -> ResponseReturnValue:
    """Say what ending a role means; on the second click end it. One's own may be laid down."""
    actor, place = browser.current_actor(), g.place.place
    one = queries.held(place, grant_id)
    own = one.person_id == actor.person_id
    reader = queries.party(place, actor.require_person())
    if not own and not TERMS[one.role].ended_by & reader.roles():
        abort(404)
    form = EndForm()

    def act() -> None:
        operations.end_given_role(
            actor, community_id=g.place.id, grant_id=grant_id, word=form.word.data or ""
        )

    if web.carried_out(form, act):
        web.tell("done", _("已结束，从现在起不再有这个角色。"))
        stays = guard.may_open("roles.desk")
        page = "roles.desk" if stays and not own else "portal.community_home"
        return redirect(url_for(page, code=code), 303)
    page = render_template(
        "roles/end.html",
        place=g.place,
        one=one,
        own=own,
        form=form,
        scope=queries.scope_words(g.place.id, {one.scope}).get(one.scope, ""),
    )
    return page, _status()


@bp.route("/c/<code>/desk/roles/stand-in", methods=["GET", "POST"])
@guard.needs(Permission.STAND_IN_NAME)
@guard.fresh
@guard.noted
def stand_in(code: str) -> ResponseReturnValue:
    """Name who approves where the committee has no second person."""
    form, known = UntilForm(), queries.stand_in_candidates(g.place.place)
    form.offer(known)

    def act() -> None:
        operations.name_stand_in(
            browser.current_actor(),
            community_id=g.place.id,
            person_id=form.person.data or 0,
            ends_at=form.ends_at,
            reason=form.reason.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("已指定代核人，并记入公开记录。"))
        return redirect(url_for("roles.desk", code=code), 303)
    page = render_template("roles/stand_in.html", place=g.place, form=form, known=known)
    return page, _status()


@bp.get("/c/<code>/my/representative")
@guard.needs(Permission.REPRESENTATIVE_HOME)
def representative(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show a representative their group, their meetings with the agenda, minutes to confirm."""
    actor = browser.current_actor()
    mine = [
        one
        for one in queries.living(g.place.place)
        if one.person_id == actor.person_id and one.role is Role.REPRESENTATIVE
    ]
    held = meetings.meetings_of_representatives(g.place.id)
    return render_template(
        "roles/representative.html",
        place=g.place,
        mine=mine,
        scopes=queries.scope_words(g.place.id, {one.scope for one in mine}),
        coming=[one for one in held if one.closed_at is None and one.state not in OVER],
        to_confirm=[
            one
            for one in held
            if one.state in OVER
            and one.minutes_text
            and one.confirmed_at is None
            and one.minutes_by != actor.person_id
        ],
        badge_of=badge_of,
        due=meetings.representatives_due,
    )

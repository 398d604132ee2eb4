"""Bodies over HTTP: who takes part, the desk's list, who acts for whom, and one's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.bodies import operations, queries, rules, steps, words
from app.bodies.forms import ActingForm, BodyForm, WordForm
from app.core import clock, guard, web
from app.core.times import date_text
from app.people import browser
from app.people.steps import address_of_thing, register_address
from app.policy.table import Permission

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.bodies.queries import ActingView, Candidate
    from app.core.actor import Role

bp = Blueprint("bodies", __name__)
bp.add_app_template_filter(words.kind_name, "body_kind")
bp.add_app_template_filter(date_text, "date_text")
REFUSED = 422


def _status() -> int:
    return REFUSED if request.method == "POST" else 200


@bp.get("/c/<code>/bodies")
@guard.public
def index(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show which bodies take part here."""
    found = queries.bodies(g.place.id)
    listed = [one for one in found if one.closed_at is None]
    kinds = list(dict.fromkeys(one.kind for one in listed))
    return render_template(
        "bodies/index.html",
        place=g.place,
        groups=[
            (kind, words.kind_work(kind), [one for one in listed if one.kind is kind])
            for kind in kinds
        ],
        closed=[one for one in found if one.closed_at is not None],
    )


# --- the desk ----------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/bodies")
@guard.needs(Permission.BODY_GIVE)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the desk every body, who acts for it, and who did."""
    acting, ended = queries.acting_now(g.place.id), queries.acting_ended(g.place.id)
    found = queries.bodies(g.place.id)
    roles = _roles()
    return render_template(
        "bodies/desk.html",
        place=g.place,
        listed=[
            (
                one,
                [each for each in acting if each.body_id == one.public_id],
                bool(rules.given_by(one.kind) & roles),
                bool(rules.ended_by(one.kind) & roles),
            )
            for one in found
            if one.closed_at is None
        ],
        closed=[one for one in found if one.closed_at is not None],
        ended=ended,
        scopes=queries.scope_words(g.place.id, {one.scope for one in [*acting, *ended]}),
        resident=_resident(),
        member=request.args.get("member", ""),
        reader=browser.current_actor().person_id,
    )


def _roles() -> set[Role]:
    """The roles that the reader holds here."""
    actor = browser.current_actor()
    return {one.role for one in actor.grants if one.community_id == g.place.id}


def _resident() -> Candidate | None:
    """Who was come to by their household's page. Raises: NotFound."""
    member = request.args.get("member", type=int)
    return queries.resident(g.place.id, member) if member else None


@bp.route("/c/<code>/desk/bodies/new", methods=["GET", "POST"])
@guard.needs(Permission.BODY_MANAGE)
def new(code: str) -> ResponseReturnValue:
    """List a body that takes part."""
    form = BodyForm()
    form.offer()
    if request.method == "GET":
        form.since.data = clock.day_of(clock.now())

    def act() -> None:
        actor = browser.current_actor()
        operations.add_body(actor, community_id=g.place.id, text=form.said)

    if web.carried_out(form, act):
        web.tell("done", _("已加到名册，并记入公开记录。"))
        return redirect(url_for("bodies.desk", code=code), 303)
    return render_template("bodies/form.html", place=g.place, form=form, body=None), _status()


@bp.route("/c/<code>/desk/bodies/<body_id>", methods=["GET", "POST"])
@guard.needs(Permission.BODY_MANAGE)
def edit(code: str, body_id: str) -> ResponseReturnValue:
    """Correct what is said of a body."""
    body, form = queries.body(g.place.id, body_id), BodyForm()
    form.offer()
    if request.method == "GET":
        form.show(body)

    def act() -> None:
        operations.correct_body(
            browser.current_actor(), community_id=g.place.id, body_id=body_id, text=form.said
        )

    if web.carried_out(form, act):
        web.tell("done", _("已更正，并记入公开记录。"))
        return redirect(url_for("bodies.desk", code=code), 303)
    return render_template("bodies/form.html", place=g.place, form=form, body=body), _status()


@bp.route("/c/<code>/desk/bodies/<body_id>/close", methods=["GET", "POST"])
@guard.needs(Permission.BODY_MANAGE)
def close(code: str, body_id: str) -> ResponseReturnValue:
    """Say what closing a body means; on the second click do it."""
    body, form = queries.body(g.place.id, body_id), WordForm()

    def act() -> None:
        operations.close_body(
            browser.current_actor(),
            community_id=g.place.id,
            body_id=body_id,
            reason=form.word.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("已从名册移出，从现在起没有人代表它了。"))
        return redirect(url_for("bodies.desk", code=code), 303)
    acting = [one for one in queries.acting_now(g.place.id) if one.body_id == body_id]
    page = render_template(
        "bodies/close.html", place=g.place, body=body, form=form, number=len(acting)
    )
    return page, _status()


@bp.route("/c/<code>/desk/bodies/<body_id>/acting", methods=["GET", "POST"])
@guard.needs(Permission.BODY_GIVE)
@guard.fresh
@guard.noted
def give(code: str, body_id: str) -> ResponseReturnValue:
    """Let somebody act for a body."""
    actor, body, resident = browser.current_actor(), queries.body(g.place.id, body_id), _resident()
    form = ActingForm()
    known = [resident] if resident else queries.candidates(g.place.id, body.kind, actor.person_id)
    form.offer(known, steps.scopes(g.place.id))
    if resident and not form.is_submitted():
        form.person.data = resident.person_id

    def act() -> None:
        operations.give_acting(
            actor,
            community_id=g.place.id,
            body_id=body_id,
            new=form.new(resident.person_id if resident else None),
        )

    if web.carried_out(form, act):
        web.tell("done", _("已办好，从现在起他可以代表这个单位。"))
        return redirect(url_for("bodies.desk", code=code), 303)
    page = render_template(
        "bodies/give.html",
        place=g.place,
        body=body,
        form=form,
        known=known,
        resident=resident,
        member=request.args.get("member", ""),
    )
    return page, _status()


@bp.route("/c/<code>/desk/bodies/acting/<int:acting_id>/end", methods=["GET", "POST"])
@guard.signed_in
def end(code: str, acting_id: int) -> ResponseReturnValue:
    """Say what ending it means; on the second click end it. One's own may be laid down."""
    one, form = queries.acting(g.place.id, acting_id), WordForm()
    own = one.person_id == browser.current_actor().person_id
    if not own and not rules.ended_by(one.kind) & _roles():
        abort(404)

    def act() -> None:
        operations.end_acting(
            browser.current_actor(),
            community_id=g.place.id,
            acting_id=acting_id,
            word=form.word.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("已结束，从现在起不再代表这个单位。"))
        page = "portal.community_home" if own else "bodies.desk"
        return redirect(url_for(page, code=code), 303)
    page = render_template(
        "bodies/end.html",
        place=g.place,
        one=one,
        own=own,
        form=form,
        scope=queries.scope_words(g.place.id, {one.scope}).get(one.scope, ""),
    )
    return page, _status()


# --- whoever acts for a body -------------------------------------------------------------------


@bp.get("/c/<code>/my/bodies")
@guard.needs(Permission.BODY_ACT)
def mine(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show for whom one acts, in what and until when, and where one can speak for them now."""
    found = queries.acts_now(g.place.id, browser.current_actor().require_person())
    return render_template(
        "bodies/mine.html",
        place=g.place,
        mine=[(one, _within(one)) for one in found],
        scopes=queries.scope_words(g.place.id, {one.scope for one in found}),
    )


def _within(one: ActingView) -> list[tuple[str, str, str]]:
    """Titles and addresses of what goes on within a scope, with what has to be known of it.

    Of the whole community's the projects are left out: one speaks of them on their topics.
    """
    return [
        (*address_of_thing(g.place.id, each.thing), each.note)
        for each in steps.scopes(g.place.id)
        if each.goes_on
        and rules.covers(one.scope, {each.thing, *each.within})
        and (one.scope or not each.thing.startswith("project:"))
    ]


def _address(community_id: int, body_id: str) -> tuple[str, str]:
    """Where an inbox line about a body leads: to the reader's own page while they act for it."""
    body = queries.body(community_id, body_id)
    acted = queries.acts_now(community_id, browser.current_actor().person_id)
    mine = any(one.body_id == body_id for one in acted)
    return body.name, url_for("bodies.mine" if mine else "bodies.index", code=g.place.code)


register_address("body", _address)

"""Pages at the desk for acting with somebody who is present."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from flask import Blueprint, current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.assisting import operations, visits
from app.assisting.forms import BeginForm, HandForm, SignForm
from app.assisting.rules import VISIT_LASTS, Checked
from app.communities import queries as communities
from app.consultations import queries as topics
from app.conventions import queries as conventions
from app.core import guard, web
from app.core.actor import Home
from app.core.errors import NotFound, RuleBroken
from app.core.times import in_record_language
from app.discussion import steps as discussion
from app.exports import papers, printing
from app.exports.views import PDF, download
from app.meetings import queries as meetings
from app.meetings.rules import OPEN_STATES
from app.people import browser, words
from app.people.member_queries import members
from app.policy.table import Permission
from app.voting import queries, showing, tokens
from app.voting.forms import BallotForm
from app.voting.rules import Method, Phase
from app.voting.views import scores
from app.voting.words import choice_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from app.assisting.visits import HeldVisit
    from app.people.words import MemberWords
    from app.voting.queries import BallotView

bp = Blueprint("assisting", __name__)
REFUSED = 422


@bp.route("/c/<code>/desk/households/<int:household_id>/assist", methods=["GET", "POST"])
@guard.needs(Permission.ASSIST)
def begin(code: str, household_id: int) -> ResponseReturnValue:
    """State that somebody of the household is present."""
    address = communities.address_of(g.place.id, household_id)
    form, opened = BeginForm(), []

    def act() -> None:
        opened.append(
            operations.begin_visit(
                browser.current_actor(),
                community_id=g.place.id,
                household_id=household_id,
                checked=Checked(form.checked.data),
                present=bool(form.present.data),
            )
        )

    if request.method == "POST" and web.carried_out(form, act):
        return redirect(url_for("assisting.visit", code=code, visit_id=opened[0]), 303)
    page = render_template(
        "assisting/begin.html",
        place=g.place,
        address=address,
        form=form,
        minutes=int(VISIT_LASTS.total_seconds()) // 60,
    )
    return page, REFUSED if request.method == "POST" else 200


def _visit(visit_id: int) -> HeldVisit:
    return visits.look(browser.current_actor(), g.place.id, visit_id)


@bp.get("/c/<code>/desk/visits/<int:visit_id>")
@guard.needs(Permission.ASSIST)
def visit(code: str, visit_id: int) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show what can be done with whoever is present."""
    found = _visit(visit_id)
    home = Home(g.place.id, found.household_id)
    cards = queries.poll_cards(g.place.id, home)
    going_on = [card for card in cards if card.phase is Phase.OPEN and card.may_vote]
    return render_template(
        "assisting/visit.html",
        place=g.place,
        visit=found,
        address=communities.address_of(g.place.id, found.household_id),
        polls=going_on,
        convention=conventions.in_force(g.place.id),
        topics=_open_topics(),
        phones=_phones(found.household_id),
        meetings=[one for one in meetings.meetings_of(g.place.id) if one.state in OPEN_STATES],
    )


@bp.post("/c/<code>/desk/visits/<int:visit_id>/members/<int:member_id>/contest")
@guard.needs(Permission.ASSIST)
def contest(code: str, visit_id: int, member_id: int) -> ResponseReturnValue:
    """Note that whoever is present does not know a phone; the desk decides on the home's page."""
    return _doubted(code, visit_id, member_id, unused=False)


@bp.post("/c/<code>/desk/visits/<int:visit_id>/members/<int:member_id>/unused")
@guard.needs(Permission.ASSIST)
def unused(code: str, visit_id: int, member_id: int) -> ResponseReturnValue:
    """Note that a phone of the household is used no more; the desk then puts it out."""
    return _doubted(code, visit_id, member_id, unused=True)


def _doubted(code: str, visit_id: int, member_id: int, *, unused: bool) -> ResponseReturnValue:
    household_id = _visit(visit_id).household_id
    web.once(
        lambda: operations.doubt_for_present(
            browser.current_actor(),
            community_id=g.place.id,
            visit_id=visit_id,
            member_id=member_id,
            unused=unused,
        )
    )
    web.tell("done", _("记下了，本户会看到。核实过的，在下面请出本户。"))
    page = url_for("people.desk_household", code=code, household_id=household_id)
    return redirect(f"{page}#members", 303)


def _phones(household_id: int) -> list[MemberWords]:
    """Who is in with a phone: not whoever is present at the desk."""
    inside = words.members(members(g.place.id, household_id), None)
    return [line for line in inside if not line.at_desk]


def _open_topics() -> list[tuple[str, str]]:
    """Topics about which opinions are taken now."""
    found = []
    for line in topics.all_topics(g.place.id):
        with suppress(NotFound):
            if discussion.subject_of(g.place.id, f"topic:{line.public_id}").open:
                found.append((line.public_id, line.title))
    return found


@bp.post("/c/<code>/desk/visits/<int:visit_id>/end")
@guard.needs(Permission.ASSIST)
def end(code: str, visit_id: int) -> ResponseReturnValue:
    """The person has gone."""
    try:
        household_id = _visit(visit_id).household_id
        operations.end_visit(browser.current_actor(), community_id=g.place.id, visit_id=visit_id)
    except RuleBroken:
        # Over already, by the clock or by the first of two taps: that is what was asked.
        return redirect(url_for("people.desk", code=code), 303)
    web.tell("done", _("这一次现场代办已结束。"))
    return redirect(url_for("people.desk_household", code=code, household_id=household_id), 303)


@bp.get("/c/<code>/desk/visits/<int:visit_id>/votes/<poll_id>")
@guard.needs(Permission.ASSIST)
def ballot(code: str, visit_id: int, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show the ballot in large type, empty whatever was chosen before."""
    found = _visit(visit_id)
    return _ballot_page(found, _before_it(found, poll_id), ())


def _before_it(found: HeldVisit, poll_id: str) -> BallotView:
    present = found.present
    return queries.ballot_view(g.place.id, poll_id, present.homes[0], present.require_person())


def _ballot_page(
    found: HeldVisit, view: BallotView, chosen: Sequence[str], refusal: RuleBroken | None = None
) -> ResponseReturnValue:
    poll, actor = view.poll, browser.current_actor()
    key = current_app.config["SETTINGS"].secret_key
    token = tokens.issue(key, visits.binding(actor, found, poll.public_id))
    return render_template(
        "assisting/ballot.html",
        large_type=True,
        place=g.place,
        visit=found,
        poll=poll,
        view=view,
        open=poll.phase is Phase.OPEN and view.may_vote and not view.other_member,
        hands_on=poll.phase is Phase.OPEN and view.other_member,
        problem=web.sentence(refusal) if refusal else "",
        token=token,
        choices=showing.choices(poll, chosen),
        refuse_all=showing.none_choice(chosen),
        scales=showing.scales(poll, chosen),
        several=poll.method is Method.CHOOSE,
        how_many=showing.how_many(poll),
        unfold=showing.unfold_title(poll),
    ), REFUSED if refusal else 200


@bp.post("/c/<code>/desk/visits/<int:visit_id>/votes/<poll_id>")
@guard.needs(Permission.ASSIST)
def cast(code: str, visit_id: int, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Cast it; the receipt is shown this once, so this page is no redirect."""
    form, found = BallotForm(), _visit(visit_id)
    view = _before_it(found, poll_id)
    chosen = [*(form.choice.data or []), *scores()]
    token = form.token.data or ""
    try:
        done = operations.cast_for_present(
            browser.current_actor(),
            community_id=g.place.id,
            visit_id=visit_id,
            public_id=poll_id,
            choice=chosen,
            token=token,
        )
    except RuleBroken as refusal:
        return _ballot_page(found, view, chosen, refusal)
    receipt = done.receipt
    return render_template(
        "assisting/receipt.html",
        large_type=True,
        place=g.place,
        visit=found,
        poll=view.poll,
        late=not done.outcome.version,
        again=done.outcome.again,
        view=receipt,
        choice=choice_text(receipt.choice or [], view.poll.titles) if receipt else "",
        token=token,
    )


@bp.post("/c/<code>/desk/visits/<int:visit_id>/votes/<poll_id>/receipt.pdf")
@guard.needs(Permission.ASSIST)
def receipt(code: str, visit_id: int, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Print the receipt to take along."""
    view = operations.print_receipt(
        browser.current_actor(),
        community_id=g.place.id,
        visit_id=visit_id,
        public_id=poll_id,
        token=BallotForm().token.data or "",
    )
    with in_record_language():
        chosen = choice_text(view.choice or [], view.poll.titles)
        paper = papers.receipt(g.place, view, chosen, at_desk=True)
        data = printing.receipt_pdf(papers.sender(g.place), paper)
    return download(data, PDF, f"{g.place.code}-receipt.pdf")


@bp.route("/c/<code>/desk/visits/<int:visit_id>/votes/<poll_id>/hand-on", methods=["GET", "POST"])
@guard.needs(Permission.ASSIST)
def hand_on(code: str, visit_id: int, poll_id: str) -> ResponseReturnValue:
    """Hand the right to change the ballot on to whoever is present."""
    found, form = _visit(visit_id), HandForm()
    view = _before_it(found, poll_id)
    phones = _phones(found.household_id)
    form.member.choices = [
        ("0", _("没有手机，在服务台改")),
        *((str(one.member_id), one.joined) for one in phones),
    ]

    def act() -> None:
        operations.hand_on(
            browser.current_actor(),
            community_id=g.place.id,
            visit_id=visit_id,
            public_id=poll_id,
            member_id=int(form.member.data or 0),
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("办好了，已经告诉本户。原来那一票照样算，改了以后才换。"))
        return redirect(url_for("assisting.visit", code=code, visit_id=visit_id), 303)
    page = render_template(
        "assisting/hand_on.html", place=g.place, visit=found, view=view, poll=view.poll, form=form
    )
    return page, REFUSED if request.method == "POST" else 200


@bp.route("/c/<code>/desk/visits/<int:visit_id>/convention", methods=["GET", "POST"])
@guard.needs(Permission.ASSIST)
def sign(code: str, visit_id: int) -> ResponseReturnValue:
    """Read the convention aloud and sign it with whoever is present."""
    found, version = _visit(visit_id), conventions.in_force(g.place.id)
    if version is None:
        raise NotFound("convention")
    form = SignForm()

    def act() -> None:
        operations.sign_for_present(
            browser.current_actor(),
            community_id=g.place.id,
            visit_id=visit_id,
            number=version.number,
            text_sha256=form.text_sha256.data or "",
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("签好了，已经告诉本户。公开的只有总人数。"))
        return redirect(url_for("assisting.visit", code=code, visit_id=visit_id), 303)
    form.text_sha256.data = version.text_sha256
    page = render_template(
        "assisting/sign.html",
        large_type=True,
        place=g.place,
        visit=found,
        version=version,
        form=form,
    )
    return page, REFUSED if request.method == "POST" else 200


@bp.post("/c/<code>/desk/visits/<int:visit_id>/convention/withdraw")
@guard.needs(Permission.ASSIST)
def withdraw(code: str, visit_id: int) -> ResponseReturnValue:
    """Take back what was signed at the desk."""
    _visit(visit_id)
    version = conventions.in_force(g.place.id)
    try:
        web.once(
            lambda: operations.withdraw_for_present(
                browser.current_actor(),
                community_id=g.place.id,
                visit_id=visit_id,
                number=version.number if version else 0,
            )
        )
    except NotFound:
        web.tell("info", _("这一户在服务台没有签过，不用撤回。用手机签的，请在那部手机上撤回。"))
    else:
        web.tell("done", _("撤回了，已经告诉本户。"))
    return redirect(url_for("assisting.visit", code=code, visit_id=visit_id), 303)


@bp.errorhandler(RuleBroken)
def _over(error: RuleBroken) -> ResponseReturnValue:
    """A visit or an authority that is over has no page of its own any more."""
    if error.code == "proxy.over":
        web.tell("attention", web.sentence(error))
        own = guard.may_open("assisting.own_proxies")
        page = "assisting.own_proxies" if own else "assisting.desk_proxies"
        return redirect(url_for(page, code=g.place.code), 303)
    if error.code != "assist.over":
        return web.refusal_page(409, _("这一步没有办成"), web.sentence(error))
    web.tell("attention", web.sentence(error))
    return redirect(url_for("people.desk", code=g.place.code), 303)

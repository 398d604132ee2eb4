"""Pages for households without a phone: paper, visits, lists for going from door to door."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import g, redirect, render_template, request, send_file, url_for
from flask_babel import gettext as _
from markupsafe import escape

from app.assisting import outreach, reaching_out, words
from app.assisting.forms import (
    LookForm,
    OutcomeForm,
    OwnPaperForm,
    OwnVisitForm,
    PaperForm,
    PlanForm,
    RoundsForm,
    VisitForm,
)
from app.assisting.proxy_views import open_polls, own_home
from app.assisting.reaching_out import Wished
from app.assisting.rules import Asked, LookFor, Outcome, PartOfDay, VisitPurpose
from app.assisting.views import REFUSED, bp
from app.communities import queries as communities
from app.communities import walks
from app.core import clock, guard, web
from app.core.errors import NotFound, RuleBroken
from app.core.times import in_record_language, time_text
from app.exports import papers, printing
from app.exports.views import PDF
from app.people import browser
from app.people.words import part_line
from app.policy.table import Permission
from app.voting import queries
from app.voting.rules import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm
    from wtforms import RadioField

    from app.assisting.outreach import Visit
    from app.communities.walks import Home

FROM_NOW_ON = "all"


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit in words."""

    id: int
    household_id: int
    address: str
    what: str
    when: str
    who: str
    planned: bool


def _visit_rows(visits: Sequence[Visit]) -> list[VisitRow]:
    known = communities.addresses_of(g.place.id, [one.household_id for one in visits])
    return [
        VisitRow(
            one.id,
            one.household_id,
            known[one.household_id].short,
            _(
                "%(what)s；%(part)s方便",
                what=words.VISIT_FOR[one.purpose],
                part=words.PARTS_OF_DAY[one.wished],
            ),
            time_text(one.planned_at) if one.planned_at is not None else "",
            "、".join(one.who),
            one.planned_at is not None,
        )
        for one in visits
    ]


def _page(template: str, **context: object) -> ResponseReturnValue:
    return render_template(template, place=g.place, **context), (
        REFUSED if request.method == "POST" else 200
    )


# --- the desk ------------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/outreach")
@guard.needs(Permission.OUTREACH)
def desk_outreach(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show who waits for paper or a visit, and the lists for going from door to door."""
    waiting = outreach.to_hand(g.place.id)
    known = communities.addresses_of(g.place.id, [one.household_id for one in waiting])
    return render_template(
        "assisting/outreach.html",
        place=g.place,
        waiting=[(one, known[one.household_id].short) for one in waiting],
        visits=_visit_rows(outreach.visits_to_come(g.place.id)),
        polls=open_polls(),
        rounds=_rounds_form("paper", walks.EVERYBODY),
        wanting=len({one.household_id for one in outreach.wanted(g.place.id)}),
    )


def _offer_parts(walk: Sequence[Home]) -> dict[str, list[tuple[str, str]]]:
    return {
        estate: [(one.key, part_line(one.name, one.homes)) for one in inside]
        for estate, inside in walks.parts(walk, _("全社区"))
    }


def _rounds_form(what: str, part: str) -> RoundsForm:
    form = RoundsForm(data={"what": what, "part": part}, formdata=None)
    form.what.choices = list(_carried().items())
    form.part.choices = _offer_parts(walks.homes(g.place.id))
    return form


def _carried() -> dict[str, str]:
    """What lists can be made for, by the name in the address."""
    return {
        "paper": _("纸质材料，只去要了的户"),
        "letter": _("信，每一户"),
        "notice": _("通知，每一户"),
    }


@bp.get("/c/<code>/desk/rounds.pdf")
@guard.needs(Permission.OUTREACH)
@guard.fresh_file
def rounds(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Hand out lists for going from door to door, one for each stairwell."""
    what = request.args.get("what", "")
    if what not in _carried():
        raise NotFound("rounds")
    inside = walks.chosen(walks.homes(g.place.id), request.args.get("part", walks.EVERYBODY))
    with in_record_language():
        brought = _brought(what, inside)
        heading = {
            "paper": _("送纸质材料"),
            "letter": _("送信"),
            "notice": _("送通知"),
        }[what]
        hint = _("送到本人手里，打一个勾。没人在家的不要放在门口，带回服务台。")
        return _rounds_pdf(inside, heading, brought, hint)


def _brought(what: str, inside: Sequence[Home]) -> dict[int, str]:
    if what != "paper":
        word = _("信") if what == "letter" else _("通知")
        return {home.household_id: word for home in inside}
    found: dict[int, list[str]] = {}
    for one in outreach.to_hand(g.place.id):
        found.setdefault(one.household_id, []).append(one.title)
    return {household: "；".join(titles) for household, titles in found.items()}


def _rounds_pdf(
    homes: Sequence[Home], heading: str, brought: Mapping[int, str], hint: str
) -> ResponseReturnValue:
    going = [home for home in homes if home.household_id in brought]
    if not going:
        web.tell("info", _("这里没有要送的，没有清单可印。"))
        return redirect(url_for("assisting.desk_outreach", code=g.place.code), 303)
    out = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it
    lists = papers.rounds(going, heading, brought, hint)
    printing.write_rounds(papers.sender(g.place), lists, out)
    out.seek(0)
    name = f"{g.place.code}-rounds.pdf"
    return send_file(out, PDF, as_attachment=True, download_name=name)


def _offer_papers(field: RadioField, household_id: int) -> None:
    polls = [
        (card.public_id, escape(_("只要这一次：%(title)s")) % {"title": web.written(card.title)})
        for card in open_polls(household_id)
    ]
    field.choices = [(FROM_NOW_ON, _("以后每次都要")), *polls]


def _scope(form: FlaskForm) -> str:
    chosen = str(form["scope"].data)
    return "" if chosen == FROM_NOW_ON else chosen


@bp.route("/c/<code>/desk/households/<int:household_id>/paper", methods=["GET", "POST"])
@guard.needs(Permission.OUTREACH)
def paper(code: str, household_id: int) -> ResponseReturnValue:
    """Note that a household wants paper, and what it has asked for."""
    address, form = communities.address_of(g.place.id, household_id), PaperForm()
    _offer_papers(form.scope, household_id)

    def act() -> None:
        reaching_out.ask_paper(
            browser.current_actor(),
            community_id=g.place.id,
            household_id=household_id,
            public_id=_scope(form),
            asked=Asked(form.asked.data),
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("记下了，已经告诉本户。要送的会出现在“不用手机的住户”里。"))
        return redirect(url_for("assisting.paper", code=code, household_id=household_id), 303)
    wanted = outreach.wanted(g.place.id, household_id)
    return _page("assisting/paper.html", address=address, form=form, wanted=wanted)


@bp.post("/c/<code>/desk/paper/<int:request_id>/end")
@guard.needs(Permission.OUTREACH)
def end_paper(code: str, request_id: int) -> ResponseReturnValue:
    """Note that a household wants no paper any more."""
    reaching_out.end_paper(browser.current_actor(), community_id=g.place.id, request_id=request_id)
    web.tell("done", _("记下了，这一户不再要纸质材料。"))
    return redirect(url_for("assisting.desk_outreach", code=code), 303)


@bp.post("/c/<code>/desk/households/<int:household_id>/paper/<poll_id>/handed")
@guard.needs(Permission.OUTREACH)
def handed(code: str, household_id: int, poll_id: str) -> ResponseReturnValue:
    """Note that the paper of a poll was brought."""
    reaching_out.hand_paper(
        browser.current_actor(),
        community_id=g.place.id,
        household_id=household_id,
        public_id=poll_id,
    )
    web.tell("done", _("记下了，已经告诉本户。"))
    return redirect(url_for("assisting.desk_outreach", code=code), 303)


@bp.route("/c/<code>/desk/households/<int:household_id>/home-visit", methods=["GET", "POST"])
@guard.needs(Permission.OUTREACH)
def ask_visit(code: str, household_id: int) -> ResponseReturnValue:
    """Note that a household wants to be visited."""
    address, form = communities.address_of(g.place.id, household_id), VisitForm()

    def act() -> None:
        reaching_out.ask_visit(
            browser.current_actor(),
            community_id=g.place.id,
            household_id=household_id,
            wished=_wished(form),
            asked=Asked(form.asked.data),
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("记下了，已经告诉本户。请约时间和两个人。"))
        return redirect(url_for("assisting.desk_outreach", code=code), 303)
    return _page("assisting/ask_visit.html", address=address, form=form)


def _wished(form: OwnVisitForm) -> Wished:
    return Wished(VisitPurpose(form.purpose.data), PartOfDay(form.wished.data))


@bp.route("/c/<code>/desk/home-visits/<int:home_visit_id>/plan", methods=["GET", "POST"])
@guard.needs(Permission.OUTREACH)
def plan_visit(code: str, home_visit_id: int) -> ResponseReturnValue:
    """Say when two people go."""
    (row,) = _visit_rows([outreach.visit_to_come(g.place.id, home_visit_id)])
    form = PlanForm()
    goers = [(str(one.person_id), one.display) for one in outreach.staff_who_go(g.place.id)]
    # Two different people go: neither is chosen by not choosing.
    form.first.choices = form.second.choices = [("", _("请选")), *goers]

    def act() -> None:
        reaching_out.plan_visit(
            browser.current_actor(),
            community_id=g.place.id,
            visit_id=home_visit_id,
            at=clock.at_local(*form.at.data.timetuple()[:5]),
            two=(int(form.first.data), int(form.second.data)),
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("约好了，已经告诉本户。"))
        return redirect(url_for("assisting.desk_outreach", code=code), 303)
    return _page("assisting/plan_visit.html", row=row, form=form)


@bp.route("/c/<code>/desk/home-visits/<int:home_visit_id>/done", methods=["GET", "POST"])
@guard.needs(Permission.OUTREACH)
def finish_visit(code: str, home_visit_id: int) -> ResponseReturnValue:
    """Note what came of a visit."""
    form = OutcomeForm()
    try:
        (row,) = _visit_rows([outreach.visit_to_come(g.place.id, home_visit_id)])
    except NotFound:
        # Noted by the first of two taps.
        if request.method == "POST" and outreach.is_known(g.place.id, home_visit_id):
            return redirect(url_for("assisting.desk_outreach", code=code), 303)
        raise

    def act() -> None:
        reaching_out.finish_visit(
            browser.current_actor(),
            community_id=g.place.id,
            visit_id=home_visit_id,
            outcome=Outcome(form.outcome.data),
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("记下了，已经告诉本户。"))
        return redirect(url_for("assisting.desk_outreach", code=code), 303)
    return _page("assisting/finish_visit.html", row=row, form=form)


@bp.route("/c/<code>/desk/votes/<poll_id>/not-voted", methods=["GET", "POST"])
@guard.needs(Permission.TURNOUT_LIST)
@guard.fresh
def not_voted(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show or print who has not voted, for a stated purpose; each look is an entry."""
    poll, form = queries.desk_view(g.place.id, poll_id), LookForm()
    if poll.phase is not Phase.OPEN:
        raise RuleBroken("turnout.not_open")
    walk = walks.homes(g.place.id)
    form.part.choices = _offer_parts(walk)
    if request.method == "GET":
        return _page("assisting/not_voted.html", poll=poll, form=form, found=None)
    found: list[list[Home]] = []

    def act() -> None:
        found.append(
            reaching_out.look_at_turnout(
                browser.current_actor(),
                community_id=g.place.id,
                public_id=poll_id,
                part=form.part.data,
                purpose=LookFor(form.purpose.data),
            )
        )

    if not web.carried_out(form, act) or not found:
        return _page("assisting/not_voted.html", poll=poll, form=form, found=None)
    (homes,) = found
    if "print" in request.form and homes:
        with in_record_language():
            brought = {home.household_id: poll.title for home in homes}
            hint = _("只用来送材料、提醒截止。不问选什么，不给别人看，用完销毁。")
            return _rounds_pdf(homes, _("送材料、提醒截止"), brought, hint)
    return render_template(
        "assisting/not_voted.html",
        place=g.place,
        poll=poll,
        form=form,
        found=[home.address.short for home in homes],
    )


# --- residents -----------------------------------------------------------------------------------


@bp.route("/c/<code>/mine/paper", methods=["GET", "POST"])
@guard.needs(Permission.HOUSEHOLD_VIEW)
def own_paper(code: str) -> ResponseReturnValue:
    """Show what one's household gets on paper and whether it is visited; ask for paper."""
    household_id, form = own_home().household_id, OwnPaperForm()
    _offer_papers(form.scope, household_id)

    def act() -> None:
        reaching_out.ask_paper(
            browser.current_actor(),
            community_id=g.place.id,
            household_id=household_id,
            public_id=_scope(form),
            asked=Asked.OWN,
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("记下了，服务台会把纸质材料送来。"))
        return redirect(url_for("assisting.own_paper", code=code), 303)
    return _own_page(form, OwnVisitForm(formdata=None))


def _own_page(form: OwnPaperForm, visit: OwnVisitForm) -> ResponseReturnValue:
    household_id = own_home().household_id
    return _page(
        "assisting/own_paper.html",
        form=form,
        visit=visit,
        wanted=outreach.wanted(g.place.id, household_id),
        visits=_visit_rows(outreach.visits_to_come(g.place.id, household_id)),
        looks=[
            _(
                "%(at)s，%(purpose)s（%(title)s）",
                at=time_text(look.at),
                title=look.title,
                purpose=words.LOOK_FOR[look.purpose],
            )
            for look in outreach.looks(g.place.id)
        ],
    )


@bp.post("/c/<code>/mine/home-visit")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def own_visit(code: str) -> ResponseReturnValue:
    """Ask to be visited."""
    household_id, form = own_home().household_id, OwnVisitForm()

    def act() -> None:
        reaching_out.ask_visit(
            browser.current_actor(),
            community_id=g.place.id,
            household_id=household_id,
            wished=_wished(form),
            asked=Asked.OWN,
        )

    if web.carried_out(form, act):
        web.tell("done", _("记下了。服务台约好时间，会在“我的”里告诉您。"))
        return redirect(url_for("assisting.own_paper", code=code), 303)
    paper_form = OwnPaperForm(formdata=None)
    _offer_papers(paper_form.scope, household_id)
    return _own_page(paper_form, form)


@bp.post("/c/<code>/mine/paper/<int:request_id>/end")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def own_paper_end(code: str, request_id: int) -> ResponseReturnValue:
    """Want no paper any more."""
    reaching_out.end_paper(browser.current_actor(), community_id=g.place.id, request_id=request_id)
    web.tell("done", _("记下了，以后不再送纸质材料。"))
    return redirect(url_for("assisting.own_paper", code=code), 303)


@bp.post("/c/<code>/mine/home-visit/<int:home_visit_id>/cancel")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def own_visit_cancel(code: str, home_visit_id: int) -> ResponseReturnValue:
    """Want no visit any more."""
    try:
        web.once(
            lambda: reaching_out.finish_visit(
                browser.current_actor(),
                community_id=g.place.id,
                visit_id=home_visit_id,
                outcome=Outcome.UNWANTED,
            )
        )
    except RuleBroken as refusal:
        web.tell("attention", web.sentence(refusal))
    else:
        web.tell("done", _("取消了，不来了。"))
    return redirect(url_for("assisting.own_paper", code=code), 303)

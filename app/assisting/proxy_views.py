"""Written authorities over HTTP: the desk enters them, households give, hold and take them back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.assisting import holders, proxying
from app.assisting.forms import HolderForm, ProxyForm
from app.assisting.rules import Checked
from app.assisting.saying_views import bp
from app.assisting.views import REFUSED
from app.communities import queries as communities
from app.communities import walks
from app.core import canonical, clock, guard, web
from app.core.actor import Home
from app.core.errors import NotFound, RuleBroken
from app.core.times import in_record_language, time_text
from app.exports import papers, printing
from app.exports.views import PDF, download
from app.people import browser
from app.policy.table import Permission
from app.voting import proxies, queries, showing, tokens
from app.voting.casting import OutcomeKind
from app.voting.forms import BallotForm
from app.voting.proxies import NewProxy
from app.voting.proxy_rules import Seen
from app.voting.rules import Method, Phase
from app.voting.views import scores
from app.voting.words import choice_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from app.voting.proxies import Held, ProxyLine
    from app.voting.queries import BallotView, PollCard

SERIAL_BYTES = 5


@dataclass(frozen=True, slots=True)
class Row:
    """An authority in a list: who gives it, who holds it, and until when."""

    line: ProxyLine
    giver: str
    holder: str
    until: str


def _rows(lines: Sequence[ProxyLine]) -> list[Row]:
    """Authorities with the addresses of both households."""
    ids = {one.household_id for one in lines} | {one.holder_household_id or 0 for one in lines}
    known = communities.addresses_of(g.place.id, sorted(ids))
    return [
        Row(
            one,
            known[one.household_id].short,
            one.holder_name
            if one.holder_household_id is None
            else known[one.holder_household_id].short,
            time_text(one.until),
        )
        for one in lines
    ]


def open_polls(household_id: int | None = None) -> list[PollCard]:
    """Polls that are open: those that a household is asked in, or all."""
    home = Home(g.place.id, household_id) if household_id is not None else None
    found = [card for card in queries.poll_cards(g.place.id, home) if card.phase is Phase.OPEN]
    return [card for card in found if card.may_vote or home is None]


# --- the desk ------------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/proxies")
@guard.needs(Permission.PROXY_ENTER)
def desk_proxies(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the authorities of polls that are open; whether they were used is not told here."""
    return render_template(
        "assisting/proxies.html",
        place=g.place,
        rows=_rows(proxies.lines(g.place.id)),
        polls=open_polls(),
    )


@bp.route("/c/<code>/desk/households/<int:household_id>/proxy", methods=["GET", "POST"])
@guard.needs(Permission.PROXY_ENTER)
def enter_proxy(code: str, household_id: int) -> ResponseReturnValue:
    """Enter the sheet that this household signed."""
    address = communities.address_of(g.place.id, household_id)
    form, polls = ProxyForm(), open_polls(household_id)
    form.poll.choices = [(card.public_id, web.written(card.title)) for card in polls]
    if len(polls) == 1 and request.method == "GET":
        form.poll.data = polls[0].public_id

    def act() -> None:
        proxying.enter_proxy(
            browser.current_actor(), community_id=g.place.id, new=_new(form, household_id)
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("委托书登记好了，已经告诉委托户。受托人可以投票了。"))
        return redirect(url_for("assisting.desk_proxies", code=code), 303)
    page = render_template(
        "assisting/enter_proxy.html", place=g.place, address=address, form=form, polls=polls
    )
    return page, REFUSED if request.method == "POST" else 200


def _new(form: ProxyForm, household_id: int) -> NewProxy:
    """What the form says. Raises: RuleBroken proxy.no_holder, proxy.no_such_household."""
    named, name = (form.holder.data or "").strip(), (form.holder_name.data or "").strip()
    if bool(named) == bool(name):
        raise RuleBroken("proxy.no_holder")
    day = form.until.data
    return NewProxy(
        public_id=form.poll.data,
        household_id=household_id,
        holder_household_id=_household(named) if named else None,
        holder_name=name,
        sheet=(form.sheet.data or "").strip(),
        seen=Seen(form.seen.data),
        until=clock.bounds_of_day(day)[1] if day else None,
    )


def _household(named: str) -> int:
    walk = walks.homes(g.place.id)
    try:
        key = walks.named(walk, estate="", building="", stairwell="", household=named)
    except RuleBroken as error:
        raise RuleBroken("proxy.no_such_household") from error
    return int(key.removeprefix("household-"))


@bp.get("/c/<code>/desk/votes/<poll_id>/proxy-form.pdf")
@guard.needs(Permission.PROXY_ENTER)
def proxy_form(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Print a blank authority for a poll; each sheet has a number of its own."""
    return _form_pdf(poll_id, "")


def _form_pdf(poll_id: str, address: str) -> ResponseReturnValue:
    poll = queries.poll_view(g.place.id, poll_id)
    if poll.phase not in {Phase.OPEN, Phase.SCHEDULED}:
        raise NotFound("poll")
    drawn = canonical.crockford(secrets.token_bytes(SERIAL_BYTES))
    serial = f"WT-{drawn[:4]}-{drawn[4:]}"
    with in_record_language():
        poll = queries.poll_view(g.place.id, poll_id)
        paper = papers.proxy_form(poll, address, serial)
        data = printing.proxy_form_pdf(papers.sender(g.place), paper)
    return download(data, PDF, f"{g.place.code}-proxy.pdf")


@bp.route("/c/<code>/desk/proxies/<int:proxy_id>/end", methods=["GET", "POST"])
@guard.needs(Permission.PROXY_ENTER)
def end_proxy(code: str, proxy_id: int) -> ResponseReturnValue:
    """Take an authority back because the household asks for it."""
    proxy = proxies.look(g.place.id, proxy_id)
    address = communities.address_of(g.place.id, proxy.household_id)
    if request.method == "GET":
        return render_template(
            "assisting/end_proxy.html", place=g.place, proxy=proxy, address=address
        )
    ended: list[bool] = []
    web.once(
        lambda: ended.append(
            proxying.end_proxy(browser.current_actor(), community_id=g.place.id, proxy_id=proxy_id)
        )
    )
    if ended == [False]:
        web.tell(
            "attention",
            _(
                "来不及了，受托人已经投了票，委托书不能收回。不同意那一票的，请委托户的人到场，用“现场代办”改。"
            ),
        )
    else:
        web.tell("done", _("委托书收回了，已经告诉两边。"))
    return redirect(url_for("assisting.desk_proxies", code=code), 303)


@bp.route("/c/<code>/desk/proxies/<int:proxy_id>/ballot", methods=["GET", "POST"])
@guard.needs(Permission.ASSIST)
def holder_ballot(code: str, proxy_id: int) -> ResponseReturnValue:  # noqa: ARG001
    """Fill the ballot in with a holder who is present; nothing chosen before is shown."""
    proxy, form = proxies.look(g.place.id, proxy_id), HolderForm()
    if request.method == "GET":
        return _holder_page(proxy, form, ())
    chosen = [*(form.choice.data or []), *scores()]
    if not form.validate_on_submit():
        return _holder_page(proxy, form, chosen)
    try:
        outcome, person_id = proxying.cast_for_holder(
            browser.current_actor(),
            community_id=g.place.id,
            proxy_id=proxy_id,
            stated=Checked(form.checked.data),
            choice=chosen,
            token=form.token.data or "",
        )
    except RuleBroken as refusal:
        if refusal.code == "proxy.over":
            raise
        form.form_errors.append(web.sentence(refusal))
        return _holder_page(proxy, form, chosen)
    if outcome is None:
        form.form_errors.append(
            _("这一户自己已经投了票，委托书这次用不上。这一张没有存上，也不会计票。")
        )
        return _holder_page(proxy, form, chosen)
    view = _view(proxy, person_id)
    shown = view.version == outcome.version and not outcome.again and view.choice is not None
    return render_template(
        "assisting/holder_receipt.html",
        large_type=True,
        place=g.place,
        poll=view.poll,
        view=view if shown else None,
        late=outcome.kind is OutcomeKind.LATE,
        choice=choice_text(view.choice or [], view.poll.titles) if shown else "",
    )


def _view(proxy: Held, person_id: int) -> BallotView:
    home = Home(g.place.id, proxy.household_id)
    return queries.ballot_view(g.place.id, proxy.public_id, home, person_id)


def _holder_page(proxy: Held, form: HolderForm, chosen: Sequence[str]) -> ResponseReturnValue:
    view = _view(proxy, proxy.holder_id or 0)
    (row,) = _rows([one for one in proxies.lines(g.place.id) if one.id == proxy.id]) or (None,)
    if row is None or row.line.over:
        raise RuleBroken("proxy.over")
    return _ballot_page("assisting/holder_ballot.html", proxy, view, chosen, form=form, row=row)


def _ballot_page(
    template: str, proxy: Held, view: BallotView, chosen: Sequence[str], **more: object
) -> ResponseReturnValue:
    poll, key = view.poll, current_app.config["SETTINGS"].secret_key
    return render_template(
        template,
        place=g.place,
        proxy=proxy,
        poll=poll,
        view=view,
        token=tokens.issue(key, holders.binding(browser.current_actor(), proxy)),
        choices=showing.choices(poll, chosen),
        refuse_all=showing.none_choice(chosen),
        scales=showing.scales(poll, chosen),
        several=poll.method is Method.CHOOSE,
        how_many=showing.how_many(poll),
        unfold=showing.unfold_title(poll),
        **more,
    ), (REFUSED if request.method == "POST" else 200)


# --- residents -----------------------------------------------------------------------------------


@bp.get("/c/<code>/mine/proxies")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def own_proxies(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show what one's household gave and what it holds, and how an authority is given."""
    home = own_home()
    return render_template(
        "assisting/own_proxies.html",
        place=g.place,
        given=_rows(proxies.lines(g.place.id, given_by=home.household_id)),
        held=_rows(proxies.lines(g.place.id, held_by=home.household_id)),
        polls=open_polls(home.household_id),
    )


def own_home() -> Home:
    """The reader's household here. Raises: NotFound."""
    home = browser.current_actor().home_in(g.place.id)
    if home is None:
        raise NotFound("household")
    return home


@bp.get("/c/<code>/mine/proxies/<poll_id>/form.pdf")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def own_proxy_form(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Print an authority with one's own address on it."""
    return _form_pdf(poll_id, communities.address_of(g.place.id, own_home().household_id).text)


@bp.post("/c/<code>/mine/proxies/<int:proxy_id>/revoke")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def revoke_proxy(code: str, proxy_id: int) -> ResponseReturnValue:
    """Take back what one's household gave."""
    try:
        web.once(
            lambda: proxying.revoke_proxy(
                browser.current_actor(), community_id=g.place.id, proxy_id=proxy_id
            )
        )
    except RuleBroken as refusal:
        web.tell("attention", web.sentence(refusal))
    else:
        web.tell("done", _("委托书收回了，别人不能再替本户投票。"))
    return redirect(url_for("assisting.own_proxies", code=code), 303)


@bp.route("/c/<code>/proxies/<int:proxy_id>/ballot", methods=["GET", "POST"])
@guard.needs(Permission.BALLOT_CAST)
def held_ballot(code: str, proxy_id: int) -> ResponseReturnValue:
    """Vote for the household whose authority one holds."""
    actor = browser.current_actor()
    proxy = holders.held_by_reader(actor, g.place.id, proxy_id)
    view = _view(proxy, actor.require_person())
    if request.method == "GET":
        return _held_page(proxy, view, showing.ticked(view))
    form = BallotForm()
    chosen = [*(form.choice.data or []), *scores()]
    try:
        outcome = proxying.cast_held(
            actor,
            community_id=g.place.id,
            proxy_id=proxy_id,
            choice=chosen,
            token=form.token.data or "",
        )
    except RuleBroken as refusal:
        return _held_page(proxy, view, chosen, web.sentence(refusal))
    if outcome.kind is OutcomeKind.LATE:
        return render_template("voting/too_late.html", place=g.place, view=view, poll=view.poll)
    return redirect(url_for("assisting.held_receipt", code=code, proxy_id=proxy_id), 303)


def _held_page(
    proxy: Held, view: BallotView, chosen: Sequence[str], problem: str = ""
) -> ResponseReturnValue:
    lines = proxies.lines(g.place.id, held_by=proxy.holder_household_id)
    living = any(one.id == proxy.id and not one.over for one in lines)
    own_first = view.version > 0 and view.choice is None
    return _ballot_page(
        "assisting/held_ballot.html",
        proxy,
        view,
        chosen,
        problem=problem,
        open=living and view.poll.phase is Phase.OPEN and view.may_vote and not own_first,
        own_first=own_first,
    )


@bp.get("/c/<code>/proxies/<int:proxy_id>/receipt")
@guard.needs(Permission.BALLOT_CAST)
def held_receipt(code: str, proxy_id: int) -> ResponseReturnValue:
    """Show what was received, to whoever cast it."""
    actor = browser.current_actor()
    proxy = holders.held_by_reader(actor, g.place.id, proxy_id)
    view = _view(proxy, actor.require_person())
    if not view.check_code:
        return redirect(url_for("assisting.held_ballot", code=code, proxy_id=proxy_id), 303)
    return render_template(
        "assisting/held_receipt.html",
        place=g.place,
        proxy=proxy,
        poll=view.poll,
        view=view,
        choice=choice_text(view.choice or [], view.poll.titles),
        is_open=view.poll.phase is Phase.OPEN,
    )

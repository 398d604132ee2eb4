"""Polls over HTTP: the public pages, the ballot, the desk."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    current_app,
    g,
    get_flashed_messages,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core import clock, guard, record, times, web
from app.core.errors import RuleBroken
from app.people import browser
from app.policy.table import Permission, allowed
from app.voting import operations, queries, refusals, showing, steps, tokens, words
from app.voting.casting import OutcomeKind
from app.voting.forms import FORMS, BallotForm, draft_values, form_of, new_draft_values
from app.voting.rules import Method, Outcome, Phase, PollKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask.typing import ResponseReturnValue

    from app.core.actor import Home
    from app.voting.forms import DraftForm
    from app.voting.launching import PollDraft
    from app.voting.queries import BallotView

bp = Blueprint("voting", __name__)
bp.add_app_template_filter(times.time_text, "time_text")
bp.add_app_template_filter(times.day_text, "day_text")
bp.add_app_template_filter(times.date_text, "date_text")

REFUSED = 422
CONFLICT = 409


# --- everybody ---------------------------------------------------------------------------------


@bp.get("/c/<code>/votes/")
@guard.public
def index(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show what can be voted on now, what comes, and what was decided."""
    home = browser.current_actor().home_in(g.place.id)
    if not browser.current_actor().adult:
        home = None
    cards = [c for c in queries.poll_cards(g.place.id, home) if c.phase is not Phase.DRAFT]
    shown = showing.lines(cards, clock.now())
    return _unless_seen(
        lambda: render_template("voting/index.html", place=g.place, **_grouped(shown)),
        shown,
    )


def _grouped(shown: Sequence[showing.Line]) -> dict[str, list[showing.Line]]:
    return {
        "going_on": [line for line in shown if line.open],
        "decided": [line for line in shown if line.decided],
        "other": [line for line in shown if not line.open and not line.decided],
    }


@bp.get("/c/<code>/votes/<poll_id>")
@guard.public
def show(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show a poll to everybody: the question, what it is worth, what there is to choose from."""
    poll = queries.poll_view(g.place.id, poll_id)
    now = clock.now()
    when = showing.when(poll.phase, poll.opens_at, poll.closes_at, poll.publication_until, now)
    return _unless_seen(
        lambda: render_template(
            "voting/show.html",
            place=g.place,
            poll=poll,
            state=showing.badge(poll.phase),
            when=when,
            urgent=words.is_urgent(poll.closes_at, now),
            turnout=showing.turnout(poll.turnout, poll.heads),
            cards_title=showing.cards_title(poll),
            unfold=showing.read_title(poll),
            how_many=showing.how_many(poll),
            several=poll.method is not Method.YES_NO,
            is_open=poll.phase is Phase.OPEN,
            scheduled=poll.phase is Phase.SCHEDULED,
            life=showing.life(poll),
        ),
        poll.version,
        poll.turnout,
        poll.phase,
        when,
    )


@bp.get("/c/<code>/votes/<poll_id>/result")
@guard.public
def result(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the result: the outcome in one sentence, then the tests and the numbers."""
    found = queries.result_view(g.place.id, poll_id)
    return _unless_seen(
        lambda: render_template(
            "voting/result.html",
            place=g.place,
            poll=found.poll,
            result=found,
            state=showing.badge(found.poll.phase),
            chart=showing.chart(found),
            table=showing.table(found),
            channels=showing.channels(found),
            tie=found.outcome == Outcome.TIE,
            turnout_text=f"{found.turnout:,}",
            heads_text=f"{found.poll.heads:,}",
            percent=words.percent(found.turnout, found.poll.heads),
            life=showing.life(found.poll),
            prints=_prints(poll_id),
        ),
        found.poll.version,
        found.poll.phase,
    )


def _prints(poll_id: str) -> dict[str, str]:
    """Where a poll's papers are, if this installation serves them."""
    poll = {"code": g.place.code, "poll_id": poll_id}
    pages = {
        "poster": ("exports.poster", poll),
        "poster_a3": ("exports.poster", poll | {"size": "a3"}),
        "notice": ("exports.result_notice", poll),
        "form": ("exports.result_form", poll),
        "receipt": ("exports.receipt", poll),
        "record": ("exports.record", {"code": g.place.code}),
        "exports": ("exports.desk", {"code": g.place.code}),
    }
    served = current_app.view_functions
    return {
        name: url_for(endpoint, **values) if endpoint in served else ""
        for name, (endpoint, values) in pages.items()
    }


def _unless_seen(page: Callable[[], str], *parts: object) -> Response:
    """A public page with a tag made of what it shows; 304 for a visitor who has it already.

    Whoever is signed in gets a page of their own that no cache keeps.
    """
    if browser.current() is not None or get_flashed_messages():
        return make_response(page())
    reader = (request.headers.get("Cookie"), request.headers.get("Accept-Language"))
    seen = repr((request.path, _templates_version(), reader, parts))
    tag = hashlib.sha256(seen.encode()).hexdigest()[:32]
    if request.if_none_match.contains_weak(tag):
        answer = Response(status=304)
    else:
        answer = make_response(page())
    answer.set_etag(tag, weak=True)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


@functools.cache
def _templates_version() -> int:
    """A number that changes when any template or translation does."""
    root = Path(current_app.root_path)
    files = [*(root.parent / "templates").rglob("*.html"), *(root / "translations").rglob("*.mo")]
    return max(path.stat().st_mtime_ns for path in files)


# --- residents ---------------------------------------------------------------------------------


@bp.get("/c/<code>/votes/<poll_id>/ballot")
@guard.needs(Permission.BALLOT_CAST)
def ballot(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the ballot, with the household's own choice if this member has cast one."""
    view = _ballot_view(poll_id)
    return _ballot_page(view, showing.ticked(view))


@bp.post("/c/<code>/votes/<poll_id>/ballot")
@guard.needs(Permission.BALLOT_CAST)
def cast(code: str, poll_id: str) -> ResponseReturnValue:
    """Cast the ballot; whatever is wrong with it, the form comes back as it was filled in."""
    form = BallotForm()
    chosen = [*(form.choice.data or []), *scores()]
    try:
        outcome = operations.cast_ballot(
            browser.current_actor(),
            community_id=g.place.id,
            public_id=poll_id,
            choice=chosen,
            token=form.token.data or "",
        )
    except RuleBroken as refusal:
        status = CONFLICT if refusal.code in _STATES_IN_THE_WAY else REFUSED
        view = _ballot_view(poll_id)
        if refusal.code == "ballot.other_home":
            # What was ticked for one household is no proposal for another.
            chosen = showing.ticked(view)
        return _ballot_page(view, chosen, refusal, status)
    again = 1 if outcome.again and outcome.kind is OutcomeKind.COUNTED else None
    return redirect(url_for("voting.receipt", code=code, poll_id=poll_id, again=again), 303)


def scores() -> list[str]:
    """Give the steps of a rating, as `option=score`: each question is a field of its own."""
    prefix = "score-"
    return [
        f"{name.removeprefix(prefix)}={value}"
        for name, value in request.form.items()
        if name.startswith(prefix)
    ]


_STATES_IN_THE_WAY = frozenset(
    {
        "ballot.other_session",
        "ballot.other_home",
        "ballot.not_open_yet",
        "ballot.closed",
        "ballot.not_in_electorate",
        "ballot.other_member",
        "ballot.by_proxy",
        "age.minor",
        "age.not_confirmed",
        "clock.stepped_back",
    }
)


def _ballot_view(poll_id: str) -> BallotView:
    actor = browser.current_actor()
    return queries.ballot_view(g.place.id, poll_id, _home(), actor.require_person())


def _home() -> Home:
    """The reader's household here; the guard lets nobody without one pass."""
    return browser.current_actor().homes_in(g.place.id)[0]


def _ballot_page(
    view: BallotView,
    chosen: Sequence[str],
    refusal: RuleBroken | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    poll = view.poll
    problem = web.sentence(refusal) if refusal else ""
    of_age = browser.current_actor().adult
    if poll.phase is not Phase.OPEN or not view.may_vote or view.other_member or not of_age:
        return _not_now_page(view, problem, status)
    return render_template(
        "voting/ballot.html",
        place=g.place,
        poll=poll,
        view=view,
        problem=problem,
        token=_new_token(poll.public_id),
        choices=showing.choices(poll, chosen),
        refuse_all=showing.none_choice(chosen),
        scales=showing.scales(poll, chosen),
        several=poll.method is Method.CHOOSE,
        how_many=showing.how_many(poll),
        unfold=showing.unfold_title(poll),
        countdown_text=words.countdown(poll.closes_at, clock.now()),
        urgent=words.is_urgent(poll.closes_at, clock.now()),
        current=words.choice_text(view.choice, poll.titles) if view.choice is not None else "",
    ), status


def _new_token(poll_id: str) -> str:
    session_id = browser.current_actor().session_id or 0
    binding = tokens.Binding(session_id, g.place.id, poll_id, _home().household_id)
    return tokens.issue(current_app.config["SETTINGS"].secret_key, binding)


def _not_now_page(view: BallotView, problem: str, status: int) -> ResponseReturnValue:
    title, text = showing.why_not_now(view, of_age=browser.current_actor().adult)
    return render_template(
        "voting/not_now.html",
        place=g.place,
        poll=view.poll,
        view=view,
        title=title,
        text=problem or text,
        decided=view.poll.decided,
    ), status


@bp.get("/c/<code>/votes/<poll_id>/receipt")
@guard.needs(Permission.BALLOT_CAST)
def receipt(code: str, poll_id: str) -> ResponseReturnValue:
    """Show what was received; reading it again changes nothing."""
    view = _ballot_view(poll_id)
    if not view.check_code:
        if view.late_logged:
            return render_template("voting/too_late.html", place=g.place, view=view, poll=view.poll)
        return redirect(url_for("voting.ballot", code=code, poll_id=poll_id), 303)
    return render_template(
        "voting/receipt.html",
        place=g.place,
        poll=view.poll,
        view=view,
        choice=words.choice_text(view.choice or [], view.poll.titles),
        is_open=view.poll.phase is Phase.OPEN,
        again="again" in request.args,
        changed=view.version > 1,
        checkpoint=record.latest_checkpoint(g.place.id),
        prints=_prints(poll_id),
    )


# --- the desk ----------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/votes")
@guard.needs(Permission.POLL_WATCH)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show all polls, drafts too."""
    shown = showing.lines(queries.poll_cards(g.place.id), clock.now())
    return render_template("voting/desk.html", place=g.place, lines=shown, may=_may_all())


def _may_all() -> dict[str, bool]:
    """What this actor may do with polls, for showing buttons; the operations decide."""
    actor = browser.current_actor()
    wanted = {
        "draft": Permission.POLL_DRAFT,
        "open": Permission.POLL_OPEN,
        "publish": Permission.RESULT_PUBLISH,
    }
    return {name: allowed(actor, wanted[name], g.place.place) for name in wanted}


@bp.get("/c/<code>/desk/votes/<poll_id>")
@guard.needs(Permission.POLL_WATCH)
def desk_poll(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show one poll to the desk: how far it is, and what can be done next."""
    poll = queries.desk_view(g.place.id, poll_id)
    return render_template(
        "voting/desk_poll.html",
        place=g.place,
        may=_may_all(),
        stage=_stage(poll.phase),
        missed=poll.phase is Phase.DRAFT and poll.opens_at <= clock.now(),
        life=showing.life(poll),
        prints=_prints(poll_id),
        **_turnout_values(poll),
    )


def _stage(phase: Phase) -> dict[str, bool]:
    names = {
        "draft": (Phase.DRAFT,),
        "scheduled": (Phase.SCHEDULED,),
        "running": (Phase.OPEN, Phase.COUNTING),
        "closed": (Phase.CLOSED,),
        "decided": (Phase.CLOSED, Phase.PUBLISHED, Phase.FINAL),
    }
    return {name: phase in phases for name, phases in names.items()}


def _turnout_values(poll: queries.PollView) -> dict[str, object]:
    now = clock.now()
    return {
        "poll": poll,
        "seen": f"{poll.version}-{poll.turnout}-{poll.phase}",
        "state": showing.badge(poll.phase),
        "when": showing.when(
            poll.phase, poll.opens_at, poll.closes_at, poll.publication_until, now
        ),
        "turnout_text": f"{poll.turnout:,}",
        "heads_text": f"{poll.heads:,}",
        "percent": words.percent(poll.turnout, poll.heads),
        "needed": [f"{test.needed(poll.heads):,}" for test in poll.rules.participation],
        "is_open": poll.phase is Phase.OPEN,
    }


@bp.get("/c/<code>/desk/votes/<poll_id>/turnout")
@guard.needs(Permission.POLL_WATCH)
def turnout(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show how many households have voted, never for what. Asked every ten seconds.

    The page tells what it has seen; when nothing changed there is nothing to send. Signed-in pages
    are kept in no cache, so a tag in a header alone would never come back.
    """
    values = _turnout_values(queries.desk_view(g.place.id, poll_id))
    if request.args.get("seen") == values["seen"]:
        return "", 204
    answer = make_response(render_template("voting/_turnout.html", place=g.place, **values))
    answer.set_etag(str(values["seen"]))
    answer.make_conditional(request)
    return answer


@bp.get("/c/<code>/desk/votes/new")
@guard.needs(Permission.POLL_DRAFT)
def draft_choose(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Ask which kind of question it is."""
    return render_template(
        "voting/draft_choose.html",
        place=g.place,
        projects=steps.cards(g.place.id),
        texts=steps.cards(g.place.id, kind=PollKind.MEETING_RESOLUTION),
    )


@bp.route("/c/<code>/desk/votes/new/<any(yes_no, choose, meeting):what>", methods=["GET", "POST"])
@guard.needs(Permission.POLL_DRAFT)
def draft_new(code: str, what: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Write a draft."""
    kind = FORMS[what]
    values = new_draft_values(kind.method, clock.now())
    form = kind() if request.method == "POST" else kind(data=values)

    def save(draft: PollDraft) -> str:
        return operations.draft_poll(browser.current_actor(), community_id=g.place.id, draft=draft)

    return _draft_form(form, save)


@bp.route("/c/<code>/desk/votes/<poll_id>/edit", methods=["GET", "POST"])
@guard.needs(Permission.POLL_DRAFT)
def draft_edit(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Change a draft."""
    stored = queries.draft_view(g.place.id, poll_id)
    kind = form_of(stored.kind, stored.method)
    form = kind() if request.method == "POST" else kind(data=draft_values(stored))

    def save(draft: PollDraft) -> str:
        mine = {"community_id": g.place.id, "public_id": poll_id}
        web.once(lambda: operations.edit_draft(browser.current_actor(), **mine, draft=draft))
        return poll_id

    return _draft_form(form, save)


def _draft_form(form: DraftForm, save: Callable[[PollDraft], str]) -> ResponseReturnValue:
    form.offer(steps.cards(g.place.id, kind=form.kind))
    if form.validate_on_submit():
        try:
            poll_id = save(form.draft())
        except RuleBroken as refusal:
            _put_problems(form, refusal)
        else:
            web.tell("done", _("草稿已保存，只有工作人员能看到。下一步请预览。"))
            return redirect(url_for("voting.preview", code=g.place.code, poll_id=poll_id), 303)
    status = REFUSED if request.method == "POST" else 200
    return render_template(
        "voting/draft_form.html",
        place=g.place,
        form=form,
        several=form.method is Method.CHOOSE,
        meeting=form.kind is PollKind.MEETING_RESOLUTION,
    ), status


def _put_problems(form: DraftForm, refusal: RuleBroken) -> None:
    problems = refusal.facts.get("problems")
    if isinstance(problems, tuple):
        form.form_errors.extend(refusals.draft_problem(code) for code in problems)
    else:
        form.form_errors.append(web.sentence(refusal))


@bp.get("/c/<code>/desk/votes/<poll_id>/preview")
@guard.needs(Permission.POLL_WATCH)
def preview(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the ballot exactly as a resident will see it, without a way to send it."""
    poll = queries.desk_view(g.place.id, poll_id)
    return render_template(
        "voting/preview.html",
        place=g.place,
        poll=poll,
        may=_may_all(),
        stage=_stage(poll.phase),
        choices=showing.choices(poll, ()),
        refuse_all=showing.none_choice(()),
        scales=showing.scales(poll, ()),
        several=poll.method is Method.CHOOSE,
        how_many=showing.how_many(poll),
        unfold=showing.unfold_title(poll),
        countdown_text=words.countdown(poll.closes_at, clock.now()),
    )


@bp.get("/c/<code>/desk/votes/<poll_id>/open")
@guard.needs(Permission.POLL_OPEN)
def confirm_open(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Say what freezes, before anything does."""
    return _confirm_page(poll_id)


def _confirm_page(poll_id: str, refusal: RuleBroken | None = None) -> ResponseReturnValue:
    poll = queries.desk_view(g.place.id, poll_id)
    return render_template(
        "voting/open.html",
        place=g.place,
        poll=poll,
        stage=_stage(poll.phase),
        problem=web.sentence(refusal) if refusal else "",
        heads_text=f"{poll.heads:,}",
        later=poll.opens_at > clock.now(),
    ), CONFLICT if refusal else 200


@bp.post("/c/<code>/desk/votes/<poll_id>/open")
@guard.needs(Permission.POLL_OPEN)
@guard.fresh
def open_now(code: str, poll_id: str) -> ResponseReturnValue:
    """Open a poll at once."""

    def act() -> None:
        operations.open_poll(browser.current_actor(), community_id=g.place.id, public_id=poll_id)

    return _act(code, poll_id, act, _("投票已经开放。可以打印海报和住户信了。"))


@bp.post("/c/<code>/desk/votes/<poll_id>/schedule")
@guard.needs(Permission.POLL_OPEN)
@guard.fresh
def schedule(code: str, poll_id: str) -> ResponseReturnValue:
    """Let a poll open by itself at the time of its draft."""

    def act() -> None:
        operations.schedule_poll(
            browser.current_actor(),
            community_id=g.place.id,
            public_id=poll_id,
            opens_at=queries.draft_view(g.place.id, poll_id).opens_at,
        )

    return _act(code, poll_id, act, _("已经排好，到时间自动开放。在那以前还可以收回来改。"))


@bp.post("/c/<code>/desk/votes/<poll_id>/unschedule")
@guard.needs(Permission.POLL_OPEN)
def unschedule(code: str, poll_id: str) -> ResponseReturnValue:
    """Take a poll that waits for its time back to the desk."""

    def act() -> None:
        operations.unschedule_poll(
            browser.current_actor(), community_id=g.place.id, public_id=poll_id
        )

    return _act(code, poll_id, act, _("已经收回，现在是草稿，不会自动开放。"))


def _act(code: str, poll_id: str, act: Callable[[], None], done: str) -> ResponseReturnValue:
    try:
        web.once(act)
    except RuleBroken as refusal:
        return _confirm_page(poll_id, refusal)
    web.tell("done", done)
    return redirect(url_for("voting.desk_poll", code=code, poll_id=poll_id), 303)


@bp.route("/c/<code>/desk/votes/<poll_id>/discard", methods=["GET", "POST"])
@guard.needs(Permission.POLL_DRAFT)
def discard(code: str, poll_id: str) -> ResponseReturnValue:
    """Throw a draft away, after asking."""
    if request.method == "POST":
        web.once(
            lambda: operations.discard_draft(
                browser.current_actor(), community_id=g.place.id, public_id=poll_id
            )
        )
        web.tell("done", _("草稿已删除。"))
        return redirect(url_for("voting.desk", code=code), 303)
    draft = queries.draft_view(g.place.id, poll_id)
    return render_template("voting/discard.html", place=g.place, draft=draft)


@bp.route("/c/<code>/desk/votes/<poll_id>/publish", methods=["GET", "POST"])
@guard.needs(Permission.RESULT_PUBLISH)
@guard.fresh
def publish(code: str, poll_id: str) -> ResponseReturnValue:
    """Begin the publication period, after saying what follows from it."""
    if request.method == "POST":
        web.once(
            lambda: operations.publish_result(
                browser.current_actor(), community_id=g.place.id, public_id=poll_id
            )
        )
        web.tell("done", _("结果已开始公示。请打印结果公告贴出去。"))
        return redirect(url_for("voting.result", code=code, poll_id=poll_id), 303)
    found = queries.result_view(g.place.id, poll_id)
    return render_template(
        "voting/publish.html",
        place=g.place,
        poll=found.poll,
        result=found,
        closed=found.poll.phase is Phase.CLOSED,
        until=showing.last_day(queries.publication_would_end(g.place.id)),
    )

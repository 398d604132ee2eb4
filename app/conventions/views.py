"""The convention over HTTP: reading, comparing, signing, and the desk's steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from app.conventions import operations, queries, rules, words
from app.conventions.forms import FilingForm, PollForm, SignForm, TextForm
from app.conventions.rules import State
from app.core import clock, guard, web
from app.core.errors import NotFound
from app.core.times import day_text, time_text
from app.discussion.steps import Subject, register_subjects
from app.discussion.views import thread_for_page
from app.meetings.forms import ResolutionForm
from app.people import browser
from app.people.forms import ActForm
from app.people.steps import register_address
from app.policy.table import Permission, allowed
from app.voting import showing
from app.voting.rules import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

    from app.conventions.queries import VersionView

bp = Blueprint("conventions", __name__)
bp.add_app_template_filter(words.class_name, "class_name")
REFUSED = 422


# --- everybody ---------------------------------------------------------------------------------


@bp.get("/c/<code>/convention")
@guard.public
def current(code: str) -> ResponseReturnValue:
    """Show the version in force; where there is none yet, the one that is talked over."""
    in_force = queries.in_force(g.place.id)
    shown = in_force or queries.proposed(g.place.id)
    if shown is None:
        return render_template("conventions/none.html", place=g.place)
    return show(code, shown.number)


@bp.get("/c/<code>/convention/<int:number>")
@guard.public
def show(code: str, number: int) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show one version: its articles, what it changes, how many have signed."""
    version = _public(number)
    in_force = queries.in_force(g.place.id)
    before = _version_before(version)
    proposed = queries.proposed(g.place.id)
    actor = browser.current_actor()
    signs = (
        in_force is not None
        and version.number == in_force.number
        and not actor.is_staff
        and actor.adult
    )
    return render_template(
        "conventions/show.html",
        place=g.place,
        version=version,
        state=words.state_badge(version.state, queries.replaced_by(g.place.id, number)),
        adoption=_adoption(version),
        in_force=in_force,
        proposed=proposed if proposed and proposed.number != version.number else None,
        changes=queries.changes(before, version) if before else [],
        change_words=words.CHANGES,
        open=version.state is State.CONSULTING,
        polls=_polls_to_see(version),
        signs=signs,
        mine=queries.my_signature(g.place.id, number, actor.person_id or 0) if signs else None,
    )


def _public(number: int) -> VersionView:
    version = queries.version(g.place.id, number)
    if version.state is State.DRAFT:
        abort(404)
    return version


def _version_before(version: VersionView) -> VersionView | None:
    earlier = [v for v in queries.versions(g.place.id) if v.number < version.number]
    return next((v for v in earlier if v.state is State.PUBLISHED), None)


def _polls_to_see(version: VersionView) -> list[showing.Line]:
    """What residents were or are asked about a version; a draft is the desk's alone."""
    cards = queries.polls_on(g.place.id, version.number)
    return showing.lines([c for c in cards if c.phase is not Phase.DRAFT], clock.now())


def _adoption(version: VersionView) -> str:
    if not version.body:
        return ""
    return words.adoption_text(version.body, version.base, version.present, version.in_favour)


@bp.get("/c/<code>/convention/<int:number>/<int:article>")
@guard.public
def article(code: str, number: int, article: int) -> ResponseReturnValue:  # noqa: ARG001
    """Show one article with what people say about it."""
    version = _public(number)
    found = next((a for a in version.articles if a.number == article), None)
    if found is None:
        abort(404)
    return render_template(
        "conventions/article.html",
        place=g.place,
        version=version,
        article=found,
        thread=thread_for_page(
            g.place.id,
            f"convention:{number}/{article}",
            is_open=version.state is State.CONSULTING,
        ),
    )


# --- residents ---------------------------------------------------------------------------------


@bp.route("/c/<code>/convention/<int:number>/sign", methods=["GET", "POST"])
@guard.needs(Permission.CONVENTION_SIGN)
def sign(code: str, number: int) -> ResponseReturnValue:
    """Read once more and sign: with a drawn name, or by a plain button."""
    version, form = _public(number), SignForm()
    if request.method == "GET":
        form.text_sha256.data = version.text_sha256

    def act() -> None:
        operations.sign_convention(
            browser.current_actor(),
            community_id=g.place.id,
            number=number,
            text_sha256=form.text_sha256.data or "",
            drawing=form.drawing.data or "",
        )

    if request.method == "POST" and web.carried_out(form, act):
        return redirect(url_for("conventions.signed", code=code, number=number), 303)
    status = REFUSED if request.method == "POST" else 200
    if status == REFUSED:
        form.text_sha256.data, form.drawing.data = version.text_sha256, ""
    person_id = browser.current_actor().require_person()
    page = render_template(
        "conventions/sign.html",
        place=g.place,
        version=version,
        form=form,
        since=queries.since_signed(g.place.id, version, person_id),
        change_words=words.CHANGES,
    )
    return page, status


@bp.get("/c/<code>/convention/<int:number>/signed")
@guard.needs(Permission.CONVENTION_SIGN)
def signed(code: str, number: int) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the receipt of one's own pledge."""
    person_id = browser.current_actor().require_person()
    mine = queries.my_signature(g.place.id, number, person_id)
    if mine is None:
        abort(404)
    return render_template(
        "conventions/signed.html",
        place=g.place,
        version=queries.version(g.place.id, number),
        mine=mine,
        at=time_text(mine.signed_at),
    )


@bp.post("/c/<code>/convention/<int:number>/withdraw")
@guard.needs(Permission.CONVENTION_SIGN)
def withdraw(code: str, number: int) -> ResponseReturnValue:
    """Take a pledge back."""
    web.once(
        lambda: operations.withdraw_signature(
            browser.current_actor(), community_id=g.place.id, number=number
        )
    )
    web.tell("done", _("已撤回签署，写的名字也删掉了。"))
    return redirect(url_for("conventions.show", code=code, number=number), 303)


# --- the desk ----------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/convention")
@guard.needs(Permission.DESK_VIEW)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the desk all versions."""
    found = queries.versions(g.place.id)
    drafts = allowed(browser.current_actor(), Permission.CONVENTION_DRAFT, g.place.place)
    return render_template(
        "conventions/desk.html",
        place=g.place,
        versions=[(v, _badge(v, found)) for v in found],
        may_draft=drafts and (not found or found[0].state is State.PUBLISHED),
    )


def _badge(version: VersionView, versions: list[VersionView]) -> tuple[str, str]:
    """The badge of a version among all of them, the newest first."""
    newest = next((v.number for v in versions if v.state is State.PUBLISHED), version.number)
    return words.state_badge(version.state, newest if newest > version.number else None)


@bp.route("/c/<code>/desk/convention/new", methods=["GET", "POST"])
@guard.needs(Permission.CONVENTION_DRAFT)
def new(code: str) -> ResponseReturnValue:
    """Begin the next version, from the text in force."""
    in_force = queries.in_force(g.place.id)
    form = TextForm(data=_as_typed(in_force) if in_force and request.method == "GET" else None)
    made: list[int] = []

    def act() -> None:
        made.append(
            operations.draft_convention(
                browser.current_actor(), community_id=g.place.id, text=_text(form)
            )
        )

    if request.method == "POST" and web.carried_out(form, act):
        if not made:
            # The form came again, after somebody had gone on with the draft it made.
            return redirect(url_for("conventions.desk", code=code), 303)
        return redirect(url_for("conventions.desk_version", code=code, number=made[0]), 303)
    return _edit_page(form, None)


@bp.route("/c/<code>/desk/convention/<int:number>/edit", methods=["GET", "POST"])
@guard.needs(Permission.CONVENTION_DRAFT)
def edit(code: str, number: int) -> ResponseReturnValue:
    """Change the text while it is drafted or talked over."""
    version = queries.version(g.place.id, number)
    form = TextForm(data=_as_typed(version) if request.method == "GET" else None)

    def act() -> None:
        operations.edit_convention(
            browser.current_actor(), community_id=g.place.id, number=number, text=_text(form)
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("条文已保存。"))
        return redirect(url_for("conventions.desk_version", code=code, number=number), 303)
    return _edit_page(form, version)


def _edit_page(form: TextForm, version: VersionView | None) -> ResponseReturnValue:
    status = REFUSED if request.method == "POST" else 200
    page = render_template("conventions/edit.html", place=g.place, form=form, version=version)
    return page, status


def _as_typed(version: VersionView) -> dict[str, str]:
    lines = [words.line_of(article.kind.value, article.text) for article in version.articles]
    return {
        "title": version.title,
        "preamble": version.preamble,
        "articles": "\n".join(lines),
    }


def _text(form: TextForm) -> operations.ConventionText:
    return operations.ConventionText(
        (form.title.data or "").strip(), (form.preamble.data or "").strip(), form.parsed()
    )


@bp.get("/c/<code>/desk/convention/<int:number>")
@guard.needs(Permission.DESK_VIEW)
def desk_version(code: str, number: int) -> ResponseReturnValue:  # noqa: ARG001
    """Show the desk one version, with the next step on top."""
    return _desk_page(queries.version(g.place.id, number), None)


def _desk_page(version: VersionView, tried: FlaskForm | None) -> ResponseReturnValue:
    drafts = allowed(browser.current_actor(), Permission.CONVENTION_DRAFT, g.place.place)
    forms: dict[str, FlaskForm] = {
        "resolution": ResolutionForm(formdata=None),
        "poll": _poll_form(PollForm(formdata=None), version),
        "filing": FilingForm(formdata=None),
    }
    for name, form in forms.items():
        if tried is not None and type(form) is type(tried):
            forms[name] = tried
    polls = queries.polls_on(g.place.id, version.number)
    may_ask = allowed(browser.current_actor(), Permission.POLL_DRAFT, g.place.place)
    page = render_template(
        "conventions/desk_version.html",
        place=g.place,
        version=version,
        state=words.state_badge(version.state, queries.replaced_by(g.place.id, version.number)),
        adoption=_adoption(version),
        waiting=queries.waiting_opinions(g.place.id, version.number),
        State=State,
        acts=drafts,
        may_edit=drafts and rules.may_edit(version.state),
        polls=showing.lines(polls, clock.now()),
        drafts_polls=may_ask and not queries.vote_runs(polls),
        doubtful=[(a, rules.doubtful_words(a.text)) for a in version.articles],
        tried=tried,
        **forms,
    )
    return page, (REFUSED if request.method == "POST" else 200)


def _poll_form(form: PollForm, version: VersionView) -> PollForm:
    """Give the form the polls that may adopt this version: on this text, passed, published."""
    form.poll.choices = [
        SelectChoice(
            poll.public_id,
            _("%(title)s（%(at)s截止）", title=poll.title, at=day_text(poll.closes_at)),
        )
        for poll in queries.adopting_polls(g.place.id, version)
    ]
    return form


@bp.post("/c/<code>/desk/convention/<int:number>/move/<to>")
@guard.needs(Permission.CONVENTION_DRAFT)
def move(code: str, number: int, to: str) -> ResponseReturnValue:
    """Open a draft for opinions, or hand it in."""
    if to not in set(State):
        abort(404)

    def act() -> None:
        operations.move_convention(
            browser.current_actor(), community_id=g.place.id, number=number, to=State(to)
        )

    return _after(code, number, ActForm(), act)


@bp.post("/c/<code>/desk/convention/<int:number>/adopt")
@guard.needs(Permission.CONVENTION_ADOPT)
@guard.fresh
def adopt(code: str, number: int) -> ResponseReturnValue:
    """Enter a meeting's resolution."""
    form = ResolutionForm()

    def act() -> None:
        operations.adopt_by_meeting(
            browser.current_actor(),
            community_id=g.place.id,
            number=number,
            resolution=form.resolution(),
        )

    return _after(code, number, form, act)


@bp.post("/c/<code>/desk/convention/<int:number>/adopt-by-poll")
@guard.needs(Permission.CONVENTION_ADOPT)
@guard.fresh
def adopt_by_poll(code: str, number: int) -> ResponseReturnValue:
    """Take a poll's result as the adoption."""
    form = _poll_form(PollForm(), queries.version(g.place.id, number))

    def act() -> None:
        operations.adopt_by_poll(
            browser.current_actor(),
            community_id=g.place.id,
            number=number,
            poll=form.poll.data or "",
        )

    return _after(code, number, form, act)


@bp.post("/c/<code>/desk/convention/<int:number>/publish")
@guard.needs(Permission.CONVENTION_ADOPT)
def publish(code: str, number: int) -> ResponseReturnValue:
    """Enter the filing and publish."""
    form = FilingForm()

    def act() -> None:
        operations.publish_convention(
            browser.current_actor(),
            community_id=g.place.id,
            number=number,
            filed_with=form.filed_with.data or "",
            filing_number=form.filing_number.data or "",
        )

    return _after(code, number, form, act)


def _after(code: str, number: int, form: FlaskForm, act: Callable[[], None]) -> ResponseReturnValue:
    version = queries.version(g.place.id, number)
    if web.carried_out(form, act):
        web.tell("done", _("已办，记入公开记录。"))
        return redirect(url_for("conventions.desk_version", code=code, number=number), 303)
    return _desk_page(version, form)


# --- for the rooms below -----------------------------------------------------------------------


def _subject(community_id: int, about: str) -> Subject:
    """An article as something to be talked about: `2/7`."""
    number, _slash, place = about.partition("/")
    if not (number.isdecimal() and place.isdecimal() and len(about) < 10):  # noqa: PLR2004
        raise NotFound("article")
    version = queries.version(community_id, int(number))
    known = {article.number for article in version.articles}
    if version.state is State.DRAFT or int(place) not in known:
        raise NotFound("article")
    url = url_for("conventions.article", code=g.place.code, number=int(number), article=int(place))
    title = _("《%(title)s》第 %(number)s 条", title=version.title, number=place)
    fixed = version.state in {State.ADOPTED, State.PUBLISHED}
    return Subject(title, url, version.state is State.CONSULTING, fixed=fixed)


def _address(community_id: int, about: str) -> tuple[str, str]:
    """Where a version is: what a line in an inbox leads to."""
    number = about.partition("/")[0]
    if not (number.isdecimal() and len(number) < 10):  # noqa: PLR2004
        raise NotFound("convention")
    version = queries.version(community_id, int(number))
    if version.state is State.DRAFT:
        raise NotFound("convention")
    title = _("《%(title)s》第 %(number)s 版", title=version.title, number=number)
    return title, url_for("conventions.show", code=g.place.code, number=version.number)


register_subjects("convention", _subject)
register_address("convention", _address)

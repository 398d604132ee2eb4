"""Writing and reading opinions, and the desk's queue. What they are about lives above."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from app.bodies import queries as bodies
from app.core import clock, guard, web
from app.core.actor import Role
from app.core.errors import NotFound, RuleBroken
from app.core.times import time_text
from app.discussion import operations, queries, rules, steps, words
from app.discussion.forms import (
    AnswerForm,
    CoverForm,
    DispositionForm,
    OpinionForm,
    RefusalForm,
)
from app.discussion.rules import PostState, is_own
from app.people import browser
from app.people.steps import News, register_address, register_news
from app.policy.table import Permission, allowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from app.bodies.queries import ActingView
    from app.discussion.queries import PostView

bp = Blueprint("discussion", __name__)
REFUSED = 422


@dataclass(frozen=True, slots=True)
class Shown:
    """A post with everything about it in words."""

    post: PostView
    at: str
    writer: str
    state: tuple[str, str]
    disposition: tuple[str, str]
    reason: str
    answers: list[tuple[str, str, str]]
    earlier: list[str]
    appeals_before: list[tuple[str, str]]
    about: str
    overdue: bool


def shown(post: PostView, about: str = "") -> Shown:
    """Put a post into words for a page."""
    return Shown(
        post=post,
        at=time_text(post.submitted_at),
        writer=words.writer(post),
        state=words.state_badge(post.state),
        disposition=words.disposition_badge(post.disposition),
        reason=words.reason_text(post.reason),
        answers=[
            (words.role_name(one["role"]), time_text(clock.from_record(one["at"])), one["text"])
            for one in post.answers
        ],
        earlier=[
            words.earlier_text(one["disposition"], one["text"], clock.from_record(one["at"]))
            for one in post.earlier
            if one["kind"] == "disposition"
        ],
        appeals_before=[
            (one["text"], one["answer"]) for one in post.earlier if one["kind"] == "appeal"
        ],
        about=about,
        overdue=rules.is_overdue(post.submitted_at, clock.now()),
    )


@dataclass(frozen=True, slots=True)
class ShownThread:
    """The opinions on a subject as a page shows them, and what this reader may do."""

    subject: str
    posts: list[Shown]
    hidden: int
    newest: bool
    other_order: str
    may_write: bool
    may_answer: bool
    may_dispose: bool


def thread_for_page(
    community_id: int,
    subject: str,
    *,
    is_open: bool,
    designers: bool = False,
    within: tuple[str, ...] = (),
) -> ShownThread:
    """Give the thread in this reader's own order; rooms above put it on their pages.

    `designers` says that the thing is theirs to explain, `within` what wider things it belongs to.
    """
    newest = request.args.get("order") == "newest"
    found = queries.thread(community_id, subject, _reading_seed(), newest=newest)
    actor = browser.current_actor()
    disposes = allowed(actor, Permission.OPINION_DISPOSE, g.place.place)
    return ShownThread(
        subject=subject,
        posts=[shown(post) for post in found.posts],
        hidden=found.hidden,
        newest=newest,
        other_order=request.path + ("" if newest else "?order=newest"),
        may_write=is_open and (not actor.is_staff or bool(_bodies_of(subject, within))),
        may_answer=allowed(actor, Permission.OPINION_ANSWER, g.place.place)
        and (designers or disposes),
        may_dispose=disposes,
    )


def _reading_seed() -> str:
    """Random for each visit and fixed for its length, so that nobody's opinion is always first."""
    seed: str = session.setdefault("reading", secrets.token_hex(8))
    return seed


# --- residents ---------------------------------------------------------------------------------


@bp.route("/c/<code>/say", methods=["GET", "POST"])
@guard.needs(Permission.OPINION_WRITE)
def say(code: str) -> ResponseReturnValue:
    """Write an opinion about the subject the address names."""
    about = request.args.get("about", "")
    subject = steps.subject_of(g.place.id, about)
    form, actor = OpinionForm(), browser.current_actor()
    form.offer(_bodies_of(about, subject.within), resident=actor.home_in(g.place.id) is not None)
    if request.method == "GET":
        form.once.data = secrets.token_hex(16)
        form.body.data = form.body.choices[0].value if form.body.choices else ""
    if not form.validate_on_submit():
        return _say_page(form, about, subject)
    try:
        post_id = operations.write_post(
            actor,
            community_id=g.place.id,
            subject=about,
            text=form.text.data or "",
            once=form.once.data or secrets.token_hex(16),
            body=form.body.data or "",
        )
    except RuleBroken as error:
        form.form_errors.append(web.sentence(error))
        return _say_page(form, about, subject)
    return redirect(url_for("discussion.own", code=code, post_id=post_id), 303)


def _say_page(form: OpinionForm, about: str, subject: steps.Subject) -> ResponseReturnValue:
    status = REFUSED if request.method == "POST" else 200
    choices = form.body.choices or []
    page = render_template(
        "discussion/say.html",
        place=g.place,
        form=form,
        about=about,
        subject=subject,
        asks_whose=any(choice.value for choice in choices),
        as_resident=any(not choice.value for choice in choices),
        speaks=bool(choices),
    )
    return page, status


def _bodies_of(subject: str, within: tuple[str, ...]) -> list[ActingView]:
    """The bodies in whose name the reader can speak of a subject; the others ask nothing."""
    actor = browser.current_actor()
    if not actor.has(Role.BODY, g.place.id) or not steps.is_recorded(subject):
        return []
    return bodies.speaks_for(g.place.id, actor.person_id, (subject, *within))


@bp.get("/c/<code>/opinions/")
@guard.needs(Permission.OPINION_WRITE)
def own_list(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show a resident everything they wrote here."""
    actor = browser.current_actor()
    posts = queries.mine(g.place.id, actor.require_person())
    return render_template(
        "discussion/own_list.html",
        place=g.place,
        posts=[shown(post, _title(post.subject)) for post in posts],
    )


@bp.get("/c/<code>/opinions/<post_id>")
@guard.needs(Permission.OPINION_WRITE)
def own(code: str, post_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show a resident one thing they wrote, and what can be done about it."""
    return _own_page(_own_post(post_id), OpinionForm(formdata=None), OpinionForm(formdata=None))


def _own_post(post_id: str) -> PostView:
    post = queries.post(g.place.id, post_id)
    if post.person_id != browser.current_actor().person_id:
        abort(404)
    return post


def _own_page(post: PostView, again: OpinionForm, appeal: OpinionForm) -> ResponseReturnValue:
    if request.method == "GET":
        again.text.data = post.original
    page = render_template(
        "discussion/own.html",
        place=g.place,
        shown=shown(post, _title(post.subject)),
        url=_url(post.subject),
        again=again,
        appeal=appeal,
        may_rewrite=post.state is PostState.RETURNED,
        may_appeal=post.may_appeal,
    )
    return page, (REFUSED if request.method == "POST" else 200)


@bp.post("/c/<code>/opinions/<post_id>/rewrite")
@guard.needs(Permission.OPINION_WRITE)
def rewrite(code: str, post_id: str) -> ResponseReturnValue:
    """Send a returned post again."""
    post, form = _own_post(post_id), OpinionForm()

    def act() -> None:
        operations.rewrite_post(
            browser.current_actor(),
            community_id=g.place.id,
            post_id=post_id,
            text=form.text.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("已经重新提交，审核后公布。"))
        return redirect(url_for("discussion.own", code=code, post_id=post_id), 303)
    return _own_page(post, form, OpinionForm(formdata=None))


@bp.post("/c/<code>/opinions/<post_id>/appeal")
@guard.needs(Permission.OPINION_WRITE)
def appeal(code: str, post_id: str) -> ResponseReturnValue:
    """Ask the affairs supervision to look again."""
    post, form = _own_post(post_id), OpinionForm()

    def act() -> None:
        operations.appeal_post(
            browser.current_actor(),
            community_id=g.place.id,
            post_id=post_id,
            text=form.text.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("申诉已收到，由居务监督委员会复核。"))
        return redirect(url_for("discussion.own", code=code, post_id=post_id), 303)
    return _own_page(post, OpinionForm(formdata=None), form)


# --- the desk ----------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/posts")
@guard.needs(Permission.DESK_VIEW)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show what waits: posts to moderate, appeals, opinions without a disposition."""
    actor, place = browser.current_actor(), g.place
    return render_template(
        "discussion/desk.html",
        place=place,
        waiting=_rows(queries.queue(place.id)),
        appeals=_rows(queries.appeals(place.id)),
        undisposed=_rows(queries.without_disposition(place.id)),
        moderates=allowed(actor, Permission.POST_MODERATE, place.place),
        hears_appeals=allowed(actor, Permission.APPEAL_ANSWER, place.place),
    )


def _rows(posts: list[PostView]) -> list[Shown]:
    return [shown(post, _title(post.subject)) for post in posts]


@bp.get("/c/<code>/desk/posts/<post_id>")
@guard.needs(Permission.DESK_VIEW)
def desk_post(code: str, post_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the desk one post, with everything that may be done to it."""
    return _desk_page(queries.post(g.place.id, post_id), {})


def _desk_page(
    post: PostView, tried: dict[str, RefusalForm | CoverForm | DispositionForm | AnswerForm]
) -> ResponseReturnValue:
    actor, place = browser.current_actor(), g.place.place
    own = is_own(post.person_id, actor.person_id)
    moderates = allowed(actor, Permission.POST_MODERATE, place) and not own
    page = render_template(
        "discussion/desk_post.html",
        place=g.place,
        shown=shown(post, _title(post.subject)),
        url=_url(post.subject),
        refusal=tried.get("refusal") or RefusalForm(formdata=None),
        cover=tried.get("cover") or CoverForm(formdata=None),
        disposition=tried.get("disposition") or DispositionForm(formdata=None),
        answer=tried.get("answer") or AnswerForm(formdata=None),
        own=own,
        may_decide=moderates and post.state is PostState.SUBMITTED,
        may_hide=moderates
        and post.state is PostState.PUBLISHED
        and actor.person_id not in post.overruled,
        overruled=moderates
        and post.state is PostState.PUBLISHED
        and actor.person_id in post.overruled,
        may_dispose=moderates
        and post.state is PostState.PUBLISHED
        and not (post.disposition and _fixed(post.subject)),
        may_hear=post.appealed_at is not None
        and post.appeal_answered_at is None
        and allowed(actor, Permission.APPEAL_ANSWER, place),
    )
    return page, (REFUSED if request.method == "POST" else 200)


@bp.post("/c/<code>/desk/posts/<post_id>/publish")
@guard.needs(Permission.POST_MODERATE)
def publish(code: str, post_id: str) -> ResponseReturnValue:
    """Publish a post, with a phrase covered where one is named."""
    post, form = queries.post(g.place.id, post_id), CoverForm()

    def act() -> None:
        operations.publish_post(
            browser.current_actor(),
            community_id=g.place.id,
            post_id=post_id,
            cover=(form.cover.data or "").strip(),
        )

    if web.carried_out(form, act):
        web.tell("done", _("已公布，提意见的人会收到消息。"))
        return redirect(url_for("discussion.desk", code=code), 303)
    return _desk_page(post, {"cover": form})


@bp.post("/c/<code>/desk/posts/<post_id>/return")
@guard.needs(Permission.POST_MODERATE)
def give_back(code: str, post_id: str) -> ResponseReturnValue:
    """Return a post with a reason."""
    return _refused(code, post_id, operations.return_post, _("已退回，理由已告诉提意见的人。"))


@bp.post("/c/<code>/desk/posts/<post_id>/hide")
@guard.needs(Permission.POST_MODERATE)
def hide(code: str, post_id: str) -> ResponseReturnValue:
    """Hide a published post with a reason."""
    return _refused(
        code, post_id, operations.hide_post, _("已隐藏，原文留存，理由已告诉提意见的人。")
    )


def _refused(
    code: str, post_id: str, refuse: Callable[..., None], told: str
) -> ResponseReturnValue:
    post, form = queries.post(g.place.id, post_id), RefusalForm()

    def act() -> None:
        refuse(
            browser.current_actor(),
            community_id=g.place.id,
            post_id=post_id,
            reason=form.reason.data or "",
            note=form.note.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", told)
        return redirect(url_for("discussion.desk", code=code), 303)
    return _desk_page(post, {"refusal": form})


@bp.post("/c/<code>/desk/posts/<post_id>/dispose")
@guard.needs(Permission.OPINION_DISPOSE)
def dispose(code: str, post_id: str) -> ResponseReturnValue:
    """Say what became of an opinion."""
    post, form = queries.post(g.place.id, post_id), DispositionForm()

    def act() -> None:
        operations.dispose(
            browser.current_actor(),
            community_id=g.place.id,
            post_id=post_id,
            disposition=form.disposition.data or "",
            why=form.why.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("处理结果已公布。"))
        return redirect(url_for("discussion.desk", code=code), 303)
    return _desk_page(post, {"disposition": form})


@bp.post("/c/<code>/desk/posts/<post_id>/appeal")
@guard.needs(Permission.APPEAL_ANSWER)
def hear(code: str, post_id: str) -> ResponseReturnValue:
    """Answer an appeal: publish after all, or uphold."""
    post, form = queries.post(g.place.id, post_id), AnswerForm()

    def act() -> None:
        operations.answer_appeal(
            browser.current_actor(),
            community_id=g.place.id,
            post_id=post_id,
            upheld=form.outcome.data != "publish",
            answer=form.text.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("复核结论已告诉提意见的人。"))
        return redirect(url_for("discussion.desk", code=code), 303)
    return _desk_page(post, {"answer": form})


@bp.route("/c/<code>/posts/<post_id>/answer", methods=["GET", "POST"])
@guard.needs(Permission.OPINION_ANSWER)
def answer(code: str, post_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Answer a published opinion, as the designer or the committee."""
    post, form = queries.post(g.place.id, post_id), AnswerForm()
    if post.state is not PostState.PUBLISHED:
        abort(404)

    def act() -> None:
        operations.reply(
            browser.current_actor(),
            community_id=g.place.id,
            post_id=post_id,
            text=form.text.data or "",
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("回应已公布。"))
        return redirect(_url(post.subject) or url_for("portal.staff_home"), 303)
    status = REFUSED if request.method == "POST" else 200
    page = render_template(
        "discussion/answer.html", place=g.place, shown=shown(post, _title(post.subject)), form=form
    )
    return page, status


def _title(about: str) -> str:
    try:
        return steps.subject_of(g.place.id, about).title
    except NotFound:
        return ""


def _fixed(about: str) -> bool:
    try:
        return steps.subject_of(g.place.id, about).fixed
    except NotFound:
        return True


def _url(about: str) -> str:
    try:
        return steps.subject_of(g.place.id, about).url
    except NotFound:
        return ""


def _address(community_id: int, post_id: str) -> tuple[str, str]:
    """Where an inbox line about a post leads: to the author's own page of it."""
    post = queries.post(community_id, post_id)
    title = steps.subject_of(community_id, post.subject).title
    return title, url_for("discussion.own", code=g.place.code, post_id=post_id)


def _news(community_id: int, news: News) -> str:
    """Say what happened to an opinion, for an inbox; what can be done is said while it can."""
    post = queries.post(community_id, news.rest)
    return words.news(news.kind, news.detail, may_appeal=post.may_appeal)


register_address("post", _address)
register_news("post", _news)

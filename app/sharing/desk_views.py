"""The subdistrict's work with lifted topics over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from app.communities.queries import communities_below
from app.core import guard, web
from app.discussion.forms import AnswerForm, CoverForm, DispositionForm, RefusalForm
from app.discussion.rules import PostState, is_own
from app.discussion.words import disposition_badge, reason_text, state_badge
from app.people import browser
from app.policy.table import Permission
from app.sharing import operations, queries, words
from app.sharing.forms import OutcomeForm, ReasonForm, ShareForm
from app.sharing.views import REFUSED, bp

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

    from app.sharing.queries import LiftView

__all__ = ["bp"]  # with the desk's routes on it


def _desk() -> str:
    return url_for("sharing.desk", jurisdiction=g.place.code)


def _topic(shared_id: str) -> str:
    return url_for("sharing.desk_topic", jurisdiction=g.place.code, shared_id=shared_id)


@bp.get("/d/<jurisdiction>/desk/topics")
@guard.needs(Permission.AREA_TOPICS)
def desk(jurisdiction: str) -> ResponseReturnValue:
    """Show what communities have lifted, and what is shared."""
    return render_template(
        "sharing/desk.html",
        place=g.place,
        here=jurisdiction,
        lifts=queries.waiting_lifts(g.place.id),
        lines=[(line, words.badge(line)) for line in queries.shared_of_area(g.place.id)],
    )


@bp.get("/d/<jurisdiction>/desk/lifted/<lift_id>")
@guard.needs(Permission.AREA_TOPICS)
def lifted(jurisdiction: str, lift_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show a lifted topic, to be given back or taken up."""
    one = queries.waiting_lift(g.place.id, lift_id)
    return _lift_page(one, _share_form(one), ReasonForm(formdata=None))


def _lift_page(one: LiftView, share: ShareForm, back: ReasonForm) -> ResponseReturnValue:
    status = REFUSED if request.method == "POST" else 200
    return render_template(
        "sharing/lifted.html", place=g.place, lift=one, share=share, back_form=back
    ), status


def _share_form(one: LiftView) -> ShareForm:
    """The form with the topic's own words, its community chosen."""
    first = {
        "title": one.title,
        "background": one.background,
        "question": one.question,
        "communities": [one.code],
    }
    form = ShareForm(data=None if request.method == "POST" else first)
    others = [each for each in queries.waiting_lifts(g.place.id) if each != one]
    form.others.choices = [
        SelectChoice(
            each.public_id,
            _("%(community)s：%(title)s", community=each.community, title=each.title),
        )
        for each in others
    ]
    form.communities.choices = [
        SelectChoice(place.code, place.name) for place in communities_below(g.place.id)
    ]
    return form


@bp.post("/d/<jurisdiction>/desk/lifted/<lift_id>/return")
@guard.needs(Permission.AREA_TOPICS)
def give_back(jurisdiction: str, lift_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Give a lifted topic back to its community."""
    form = ReasonForm()

    def act() -> None:
        operations.return_topic(
            browser.current_actor(),
            jurisdiction_id=g.place.id,
            lift_id=lift_id,
            reason=form.reason.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("已退回社区，理由公开。"))
        return redirect(_desk(), 303)
    one = queries.waiting_lift(g.place.id, lift_id)
    share = ShareForm(formdata=None)
    filled = _share_form(one)
    share.others.choices, share.communities.choices = (
        filled.others.choices,
        filled.communities.choices,
    )
    share.process(
        data={
            "title": one.title,
            "background": one.background,
            "question": one.question,
            "communities": [one.code],
        }
    )
    return _lift_page(one, share, form)


@bp.post("/d/<jurisdiction>/desk/lifted/<lift_id>/share")
@guard.needs(Permission.AREA_TOPICS)
def share(jurisdiction: str, lift_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Take a lifted topic up as one that several communities share."""
    form = ShareForm()

    def act() -> None:
        operations.share_topic(
            browser.current_actor(),
            jurisdiction_id=g.place.id,
            new=operations.NewShared(
                lifts=tuple(dict.fromkeys((lift_id, *(form.others.data or [])))),
                communities=tuple(form.communities.data or []),
                title=form.title.data or "",
                background=form.background.data or "",
                question=form.question.data or "",
            ),
        )

    if web.carried_out(form, act):
        web.tell("done", _("已接下。选中的社区现在都能看到，居民可以写意见。"))
        return redirect(_desk(), 303)
    one = queries.waiting_lift(g.place.id, lift_id)
    filled = _share_form(one)
    form.others.choices, form.communities.choices = (
        filled.others.choices,
        filled.communities.choices,
    )
    return _lift_page(one, form, ReasonForm(formdata=None))


@bp.get("/d/<jurisdiction>/desk/topics/<shared_id>")
@guard.needs(Permission.AREA_TOPICS)
def desk_topic(jurisdiction: str, shared_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show a shared topic to its staff: what to moderate, what to answer, the outcome to write."""
    return _desk_page(shared_id, OutcomeForm(formdata=None))


def _desk_page(shared_id: str, outcome: OutcomeForm) -> ResponseReturnValue:
    shared = queries.shared_topic(g.place.id, shared_id)
    written = queries.opinions(shared.id, *PostState)
    status = REFUSED if request.method == "POST" else 200
    return render_template(
        "sharing/desk_topic.html",
        place=g.place,
        shared=shared,
        badge_of=words.badge(shared),
        until=words.until_text(shared),
        waiting=[one for one in written if one.state is PostState.SUBMITTED],
        published=[
            (one, disposition_badge(one.disposition))
            for one in written
            if one.state is PostState.PUBLISHED
        ],
        refused=[
            (one, state_badge(one.state), reason_text(one.reason))
            for one in written
            if one.state in {PostState.RETURNED, PostState.HIDDEN}
        ],
        outcome=outcome,
    ), status


@bp.post("/d/<jurisdiction>/desk/topics/<shared_id>/outcome")
@guard.needs(Permission.AREA_TOPICS)
def outcome(jurisdiction: str, shared_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Publish what a shared topic came to."""
    form = OutcomeForm()

    def act() -> None:
        operations.publish_outcome(
            browser.current_actor(),
            jurisdiction_id=g.place.id,
            shared_id=shared_id,
            text=form.text.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("结果已公布，开始公示；各社区原来的议题已归档。"))
        return redirect(_topic(shared_id), 303)
    return _desk_page(shared_id, form)


@bp.get("/d/<jurisdiction>/desk/opinions/<opinion_id>")
@guard.needs(Permission.AREA_TOPICS)
def desk_opinion(jurisdiction: str, opinion_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show one opinion, to be moderated or answered."""
    return _opinion_page(opinion_id, None)


def _opinion_page(opinion_id: str, tried: FlaskForm | None) -> ResponseReturnValue:
    one, shared_id = queries.opinion(g.place.id, opinion_id)
    fresh: dict[str, FlaskForm] = {
        "cover": CoverForm(formdata=None),
        "refusal": RefusalForm(formdata=None),
        "disposition": DispositionForm(formdata=None, data={"why": one.why}),
    }
    forms = {
        name: tried if tried is not None and type(form) is type(tried) else form
        for name, form in fresh.items()
    }
    return render_template(
        "sharing/opinion.html",
        place=g.place,
        opinion=one,
        shared=queries.shared_topic(g.place.id, shared_id),
        state=state_badge(one.state),
        own=is_own(one.person_id, browser.current_actor().person_id),
        tried=tried,
        **forms,
    ), (REFUSED if request.method == "POST" else 200)


@bp.post("/d/<jurisdiction>/desk/opinions/<opinion_id>/<verdict>")
@guard.needs(Permission.AREA_TOPICS)
def act_on_opinion(jurisdiction: str, opinion_id: str, verdict: str) -> ResponseReturnValue:  # noqa: ARG001
    """Publish an opinion, give it back, hide it, or say what became of it."""
    steps = {"publish": _publishes, "return": _returns, "hide": _hides, "answer": _answers}
    if verdict not in steps:
        abort(404)
    _one, shared_id = queries.opinion(g.place.id, opinion_id)
    form, act = steps[verdict](opinion_id)
    if web.carried_out(form, act):
        web.tell("done", _("已办好，记入公开记录。"))
        return redirect(_topic(shared_id), 303)
    return _opinion_page(opinion_id, form)


def _publishes(opinion_id: str) -> tuple[FlaskForm, Callable[[], None]]:
    form = CoverForm()
    return form, lambda: operations.publish_opinion(
        browser.current_actor(),
        jurisdiction_id=g.place.id,
        opinion_id=opinion_id,
        cover=form.cover.data or "",
    )


def _returns(opinion_id: str) -> tuple[FlaskForm, Callable[[], None]]:
    form = RefusalForm()
    return form, lambda: operations.return_opinion(
        browser.current_actor(),
        jurisdiction_id=g.place.id,
        opinion_id=opinion_id,
        reason=form.reason.data or "",
        note=form.note.data or "",
    )


def _hides(opinion_id: str) -> tuple[FlaskForm, Callable[[], None]]:
    form = RefusalForm()
    return form, lambda: operations.hide_opinion(
        browser.current_actor(),
        jurisdiction_id=g.place.id,
        opinion_id=opinion_id,
        reason=form.reason.data or "",
        note=form.note.data or "",
    )


def _answers(opinion_id: str) -> tuple[FlaskForm, Callable[[], None]]:
    form = DispositionForm()
    return form, lambda: operations.dispose_opinion(
        browser.current_actor(),
        jurisdiction_id=g.place.id,
        opinion_id=opinion_id,
        disposition=form.disposition.data or "",
        why=form.why.data or "",
    )


@bp.get("/d/<jurisdiction>/desk/appeals")
@guard.needs(Permission.AREA_APPEALS)
def appeals(jurisdiction: str) -> ResponseReturnValue:
    """List appeals against how the places right below have moderated."""
    return render_template(
        "sharing/appeals.html",
        place=g.place,
        here=jurisdiction,
        appeals=queries.appeals(g.place.id),
    )


@bp.route("/d/<jurisdiction>/desk/appeals/<opinion_id>", methods=["GET", "POST"])
@guard.needs(Permission.AREA_APPEALS)
def appeal(jurisdiction: str, opinion_id: str) -> ResponseReturnValue:
    """Answer an appeal: leave it as it was, or show the opinion."""
    (one, topic), form = queries.appealed(g.place.id, opinion_id), AnswerForm()

    def act() -> None:
        operations.answer_shared_appeal(
            browser.current_actor(),
            jurisdiction_id=g.place.id,
            opinion_id=opinion_id,
            upheld=form.outcome.data != "publish",
            answer=form.text.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("复核结论已告诉提意见的人。"))
        return redirect(url_for("sharing.appeals", jurisdiction=jurisdiction), 303)
    status = REFUSED if request.method == "POST" else 200
    return render_template(
        "sharing/appeal.html",
        place=g.place,
        here=jurisdiction,
        opinion=one,
        topic=topic,
        state=state_badge(one.state),
        reason=reason_text(one.reason),
        own=is_own(one.person_id, browser.current_actor().person_id),
        form=form,
    ), status

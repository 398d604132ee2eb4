"""Topics over HTTP: proposing and reading. The desk's work with them is in desk_views."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.bodies.steps import Scoped, register_scopes
from app.consultations import operations, queries, rules, steps, words
from app.consultations.desk_views import bp
from app.consultations.forms import NoteForm, ProposalForm
from app.consultations.proposing import TopicText
from app.consultations.rules import ENDED, UNSEEN, State
from app.consultations.showing import REFUSED, history, lifted, projects_of
from app.core import guard, images, web
from app.core.errors import NotFound, RuleBroken
from app.core.links import edges_of
from app.core.times import in_record_language
from app.discussion.steps import Subject, register_subjects
from app.discussion.views import thread_for_page
from app.discussion.words import reason_text
from app.meetings import queries as meetings
from app.meetings.words import badge_of
from app.people import browser
from app.people.models import PersonNoticeKind
from app.people.steps import News, register_address, register_corrections, register_news
from app.policy.table import Permission

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.consultations.queries import TopicLine
    from app.core.images import Picture

__all__ = ["bp"]
UPLOAD_LIMIT = rules.MOST_PHOTOS * images.MAX_BYTES + 256 * 1024


# --- everybody ---------------------------------------------------------------------------------


@bp.get("/c/<code>/topics/")
@guard.public
def index(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show what is being talked over, and what came of it."""
    found = queries.public_topics(g.place.id)
    coming = [m for m in meetings.meetings_of(g.place.id) if m.state in {"announced", "open"}]
    return render_template(
        "consultations/index.html",
        place=g.place,
        going_on=[line for line in found if line.state not in ENDED],
        ended=[line for line in found if line.state in ENDED],
        mine=_mine(),
        shared=steps.shared_in(g.place.id),
        meetings=coming,
        state_of=words.state_badge,
        meeting_badge=badge_of,
    )


def _mine() -> list[TopicLine]:
    """What the reader proposed and others cannot see yet."""
    actor = browser.current_actor()
    if actor.home_in(g.place.id) is None:
        return []
    own = queries.topics_of(g.place.id, actor.require_person())
    return [line for line in own if line.state in UNSEEN]


@bp.get("/c/<code>/topics/<topic_id>")
@guard.public
def show(code: str, topic_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show a topic: what was asked, where it stands, what everybody said, what came of it."""
    topic = queries.topic(g.place.id, topic_id)
    actor = browser.current_actor()
    own = topic.line.person_id is not None and topic.line.person_id == actor.person_id
    if topic.line.state in UNSEEN and not own:
        abort(404)
    is_open = topic.line.state in rules.OPEN_TO_OPINIONS
    refused = topic.line.state is State.REJECTED
    return render_template(
        "consultations/show.html",
        # Of what was turned away readers get the title and the reason, and nothing else.
        tells=own or not refused,
        outcome=words.outcome_sentence(topic.outcome) if topic.outcome else "",
        cover_reason=reason_text(topic.cover_reason),
        place=g.place,
        topic=topic,
        state=words.state_badge(topic.line.state),
        form_name=words.form_name(topic.form),
        meetings=meetings.meetings_about(g.place.id, topic.subject),
        meeting_badge=badge_of,
        thread=thread_for_page(g.place.id, topic.subject, is_open=is_open),
        history=history(topic),
        projects=projects_of(topic),
        own=own,
        lifted=lifted(topic),
        may_withdraw=own and State.WITHDRAWN in rules.MOVES[topic.line.state],
        form=NoteForm(formdata=None),
    )


# --- residents ---------------------------------------------------------------------------------


@bp.route("/c/<code>/propose", methods=["GET", "POST"])
@guard.needs(Permission.TOPIC_PROPOSE)
@guard.takes(UPLOAD_LIMIT)
def propose(code: str) -> ResponseReturnValue:
    """Propose a topic, with up to three photos."""
    form = ProposalForm()
    if request.method == "GET":
        form.once.data = secrets.token_hex(16)
    made: list[str] = []

    def act() -> None:
        made.append(
            operations.propose_topic(
                browser.current_actor(),
                community_id=g.place.id,
                text=TopicText(form.title.data or "", form.background.data or ""),
                proposed_as=_proposed_as(),
                once=form.once.data or secrets.token_hex(16),
                photos=_photos(form),
            )
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("已收到。居委会审核后公开，有了进展会在“消息”里告诉您。"))
        return redirect(url_for("consultations.show", code=code, topic_id=made[0]), 303)
    status = REFUSED if request.method == "POST" else 200
    return render_template("consultations/propose.html", place=g.place, form=form), status


def _proposed_as() -> str:
    # It is kept, and read by everybody: never in the language of whoever happened to propose.
    with in_record_language():
        return _("居委会") if browser.current_actor().is_staff else _("居民")


def _photos(form: ProposalForm) -> list[Picture]:
    uploads = [upload for upload in form.photos.data or [] if getattr(upload, "filename", "")]
    if len(uploads) > rules.MOST_PHOTOS:
        raise RuleBroken("topic.too_many_photos", most=rules.MOST_PHOTOS)
    return [images.repaint(upload.read(images.MAX_BYTES + 1)) for upload in uploads]


@bp.post("/c/<code>/topics/<topic_id>/withdraw")
@guard.needs(Permission.TOPIC_PROPOSE)
def withdraw(code: str, topic_id: str) -> ResponseReturnValue:
    """Take one's own proposal back."""
    web.once(
        lambda: operations.withdraw_topic(
            browser.current_actor(), community_id=g.place.id, topic_id=topic_id
        )
    )
    web.tell("done", _("议题已撤回。"))
    return redirect(url_for("consultations.index", code=code), 303)


# --- for the rooms below -----------------------------------------------------------------------


def _subject(community_id: int, topic_id: str) -> Subject:
    topic = queries.topic(community_id, topic_id)
    if topic.line.state in UNSEEN:
        raise NotFound("topic")
    url = url_for("consultations.show", code=g.place.code, topic_id=topic_id)
    state = topic.line.state
    return Subject(
        topic.line.title,
        url,
        state in rules.OPEN_TO_OPINIONS,
        fixed=state in rules.FIXED_FROM,
    )


def _address(community_id: int, topic_id: str) -> tuple[str, str]:
    topic = queries.topic(community_id, topic_id)
    return topic.line.title, url_for("consultations.show", code=g.place.code, topic_id=topic_id)


def _news(community_id: int, news: News) -> str:
    """Say what happened to a topic, for an inbox: where it went, and what was said of it."""
    if news.kind is not PersonNoticeKind.TOPIC_MOVED or not news.detail:
        return ""
    topic, to = queries.topic(community_id, news.rest), State(news.detail)
    return _("您提的“%(title)s”：%(state)s", title=topic.line.title, state=words.state_badge(to)[1])


register_subjects("topic", _subject)
register_news("topic", _news)
register_address("topic", _address)
register_corrections("topic", queries.corrections)


def _scopes(community_id: int) -> list[Scoped]:
    """The topics in which somebody can act for a body.

    One that the subdistrict has taken up goes on as what became of it.
    """
    return [_scope(community_id, line) for line in queries.public_topics(community_id)]


def _scope(community_id: int, line: TopicLine) -> Scoped:
    thing = f"topic:{line.public_id}"
    if line.state is not State.ESCALATED:
        return Scoped(thing, line.title, line.state not in ENDED)
    waits = not any(edge.relation == "lifted_to" for edge in edges_of(community_id, thing))
    return Scoped(thing, line.title, waits, note=_("已经提到街道，街道接下以后才收意见。"))


register_scopes("topic", _scopes)

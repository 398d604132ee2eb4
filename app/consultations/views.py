"""Topics over HTTP: proposing, reading, and the desk's work with them."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from app.consultations import operations, queries, rules, words
from app.consultations.forms import (
    AgendaForm,
    DescribeForm,
    MergeForm,
    NoteForm,
    OpinionForm,
    ProjectLinkForm,
    ProposalForm,
    WorkForm,
)
from app.consultations.rules import ENDED, UNSEEN, State
from app.core import clock, guard, images, links, web
from app.core.errors import NotFound, RuleBroken
from app.core.times import end_text, in_record_language, time_text
from app.discussion.steps import Subject, register_subjects
from app.discussion.views import thread_for_page
from app.meetings import queries as meetings
from app.meetings.words import badge_of
from app.people import browser
from app.people.steps import register_address
from app.policy.table import Permission, allowed
from app.projects import queries as projects

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

    from app.consultations.queries import TopicLine, TopicView
    from app.core.images import Picture

bp = Blueprint("consultations", __name__)
bp.add_app_template_filter(end_text, "end_text")
REFUSED = 422
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
    return render_template(
        "consultations/show.html",
        place=g.place,
        topic=topic,
        state=words.state_badge(topic.line.state),
        form_name=words.form_name(topic.form),
        meetings=meetings.meetings_about(g.place.id, topic.subject),
        meeting_badge=badge_of,
        thread=thread_for_page(g.place.id, topic.subject, is_open=is_open),
        history=_history(topic),
        projects=_projects_of(topic),
        own=own,
        may_withdraw=own and State.WITHDRAWN in rules.MOVES[topic.line.state],
        form=NoteForm(formdata=None),
    )


def _history(topic: TopicView) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {
            "at_text": time_text(topic.line.created_at),
            "title": _("提出议题"),
            "text": "",
            "done": True,
        }
    ]
    rows += [
        {
            "at_text": time_text(move.at),
            "title": words.state_badge(move.to)[1],
            "text": move.note,
            "done": True,
        }
        for move in topic.moves
    ]
    return rows


def _projects_of(topic: TopicView) -> list[projects.ProjectView]:
    edges = links.edges_of(g.place.id, topic.subject)
    codes = [e.target.partition(":")[2] for e in edges if e.relation == "leads_to"]
    return projects.projects_by_code(g.place.id, codes) if codes else []


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
                text=operations.TopicText(form.title.data or "", form.background.data or ""),
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
    operations.withdraw_topic(browser.current_actor(), community_id=g.place.id, topic_id=topic_id)
    web.tell("done", _("议题已撤回。"))
    return redirect(url_for("consultations.index", code=code), 303)


# --- the desk ----------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/topics")
@guard.needs(Permission.DESK_VIEW)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the desk every topic, what waits for it first."""
    found = queries.all_topics(g.place.id)
    new = {State.PROPOSED, State.SCREENING}
    return render_template(
        "consultations/desk.html",
        place=g.place,
        new=[line for line in found if line.state in new][::-1],
        others=[line for line in found if line.state not in new],
        state_of=words.state_badge,
        now=clock.now(),
    )


@bp.get("/c/<code>/desk/topics/<topic_id>")
@guard.needs(Permission.DESK_VIEW)
def desk_topic(code: str, topic_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show the desk one topic, with the next step on top."""
    return _desk_page(queries.topic(g.place.id, topic_id))


def _desk_page(topic: TopicView, tried: FlaskForm | None = None) -> ResponseReturnValue:
    state = topic.line.state
    handles = allowed(browser.current_actor(), Permission.TOPIC_HANDLE, g.place.place)
    forms = _desk_forms(topic, tried)
    held = meetings.meetings_about(g.place.id, topic.subject)
    page = render_template(
        "consultations/desk_topic.html",
        place=g.place,
        is_public=topic.line.state not in UNSEEN,
        topic=topic,
        state=words.state_badge(state),
        form_name=words.form_name(topic.form),
        meetings=held,
        confirmed=bool(held) and held[-1].confirmed_at is not None,
        meeting_badge=badge_of,
        moves=_plain_moves(state) if handles else [],
        # While people sit together the next step is the minutes, not the adjournment.
        moves_first=state is not State.IN_SESSION,
        in_session=handles and state is State.IN_SESSION,
        offers=rules.MOVES[state] if handles else frozenset(),
        describes=handles and state in {State.SCREENING, State.ACCEPTED},
        corrects=handles and state not in UNSEEN,
        State=State,
        history=_history(topic),
        projects=_projects_of(topic),
        tried=tried,
        **forms,
    )
    return page, (REFUSED if request.method == "POST" else 200)


def _plain_moves(state: State) -> list[tuple[str, str, str]]:
    """(state to go to, verb, what will happen) for the moves that need a word alone."""
    offered = [to for to in words.MOVES if to in rules.MOVES[state] and to in rules.PLAIN_MOVES]
    return [(to.value, str(words.MOVES[to][0]), str(words.MOVES[to][1])) for to in offered]


def _desk_forms(topic: TopicView, tried: FlaskForm | None) -> dict[str, FlaskForm]:
    """Give a fresh form of each kind, and the one that was refused with its errors."""
    merge = MergeForm(formdata=None)
    parents = [o for o in queries.public_topics(g.place.id) if o != topic.line]
    merge.into.choices = [SelectChoice(other.public_id, other.title) for other in parents]
    link = ProjectLinkForm(formdata=None)
    link.project.choices = [
        SelectChoice(p.code, p.title) for p in projects.all_projects(g.place.id)
    ]
    describe = DescribeForm(
        formdata=None,
        data={
            "question": topic.question,
            "parties": topic.parties,
            "legal_note": topic.legal_note,
        },
    )
    opinion = OpinionForm(formdata=None, data={"opinion": topic.opinion, "dissent": topic.dissent})
    forms: dict[str, FlaskForm] = {
        "describe": describe,
        "note": NoteForm(formdata=None),
        "merge": merge,
        "opinion": opinion,
        "work": WorkForm(formdata=None),
        "link": link,
    }
    for name, form in forms.items():
        if tried is not None and type(form) is type(tried):
            forms[name] = tried
    return forms


@bp.post("/c/<code>/desk/topics/<topic_id>/move/<to>")
@guard.needs(Permission.TOPIC_HANDLE)
def move(code: str, topic_id: str, to: str) -> ResponseReturnValue:
    """Make a move that needs a word alone."""
    if to not in set(State):
        abort(404)
    form = NoteForm()

    def act() -> None:
        operations.move_topic(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            to=State(to),
            note=form.note.data or "",
        )

    return _after(code, topic_id, form, act, _("已办好，记入公开记录。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/describe")
@guard.needs(Permission.TOPIC_HANDLE)
def describe(code: str, topic_id: str) -> ResponseReturnValue:
    """Put question, parties and legal note to a topic."""
    form = DescribeForm()
    topic = queries.topic(g.place.id, topic_id)

    def act() -> None:
        operations.describe_topic(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            text=operations.TopicText(
                topic.line.title,
                topic.background,
                form.question.data or "",
                form.parties.data or "",
                form.legal_note.data or "",
            ),
        )

    return _after(code, topic_id, form, act, _("已保存。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/merge")
@guard.needs(Permission.TOPIC_HANDLE)
def merge(code: str, topic_id: str) -> ResponseReturnValue:
    """Handle a topic together with another."""
    form = MergeForm()
    form.into.choices = [
        SelectChoice(o.public_id, o.title) for o in queries.public_topics(g.place.id)
    ]

    def act() -> None:
        operations.merge_topic(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            into=form.into.data or "",
            note=form.note.data or "",
        )

    return _after(code, topic_id, form, act, _("已合并，理由公开。"))


@bp.route("/c/<code>/desk/topics/<topic_id>/agenda", methods=["GET", "POST"])
@guard.needs(Permission.TOPIC_HANDLE)
def agenda(code: str, topic_id: str) -> ResponseReturnValue:
    """Write the agenda and call the meeting."""
    topic = queries.topic(g.place.id, topic_id)
    if State.ANNOUNCED not in rules.MOVES[topic.line.state]:
        raise RuleBroken("topic.wrong_state")
    form = AgendaForm(data=None if request.method == "POST" else _first_agenda(topic))

    def act() -> None:
        # The notice hangs at the gate and is kept: how people sit together is said in Chinese.
        with in_record_language():
            sitting = words.form_name(form.form.data)
        operations.announce_topic(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            form=rules.Form(form.form.data),
            meeting=form.meeting(sitting),
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("公告已发布，居民现在可以报名。"))
        return redirect(url_for("consultations.desk_topic", code=code, topic_id=topic_id), 303)
    status = REFUSED if request.method == "POST" else 200
    page = render_template("consultations/agenda.html", place=g.place, topic=topic, form=form)
    return page, status


def _first_agenda(topic: TopicView) -> dict[str, object]:
    """Give what an empty agenda form suggests: ten days ahead, the desk's own office."""
    day = clock.local(clock.now() + timedelta(days=11))
    with in_record_language():
        agenda = _(
            "说明议事规则｜主持人｜5\n大家发言，每人三分钟｜全体｜45\n归纳共识和不同意见｜主持人｜20"
        )
    return {
        "title": topic.line.title,
        "starts_at": day.replace(hour=19, minute=0, second=0, microsecond=0, tzinfo=None),
        "place": g.place.office,
        "capacity": 30,
        "held": 6,
        "form": rules.Form.ROUND_TABLE.value,
        "agenda": agenda,
    }


@bp.post("/c/<code>/desk/topics/<topic_id>/postpone")
@guard.needs(Permission.TOPIC_HANDLE)
def postpone(code: str, topic_id: str) -> ResponseReturnValue:
    """Put the announced meeting off."""
    form = NoteForm()

    def act() -> None:
        operations.postpone_topic(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            note=form.note.data or "",
        )

    return _after(code, topic_id, form, act, _("已延期，报名的人会收到消息。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/open")
@guard.needs(Permission.TOPIC_HANDLE)
def open_session(code: str, topic_id: str) -> ResponseReturnValue:
    """Open the meeting."""
    form = NoteForm()

    def act() -> None:
        operations.open_session(browser.current_actor(), community_id=g.place.id, topic_id=topic_id)

    return _after(code, topic_id, form, act, _("会议开始，可以签到。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/opinion")
@guard.needs(Permission.TOPIC_HANDLE)
def opinion(code: str, topic_id: str) -> ResponseReturnValue:
    """Write the opinion of the session."""
    form = OpinionForm()

    def act() -> None:
        operations.draft_opinion(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            opinion=form.opinion.data or "",
            dissent=form.dissent.data or "",
        )

    return _after(code, topic_id, form, act, _("协商意见已保存，还没有公示。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/publish")
@guard.needs(Permission.TOPIC_HANDLE)
def publish(code: str, topic_id: str) -> ResponseReturnValue:
    """Publish the opinion."""
    form = NoteForm()

    def act() -> None:
        operations.publish_opinion(
            browser.current_actor(), community_id=g.place.id, topic_id=topic_id
        )

    return _after(code, topic_id, form, act, _("已公示，从现在起不能修改，只能更正。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/work")
@guard.needs(Permission.TOPIC_HANDLE)
def work(code: str, topic_id: str) -> ResponseReturnValue:
    """Begin to carry out what was decided."""
    form = WorkForm()

    def act() -> None:
        day = form.due.data
        if day is None:
            raise RuleBroken("topic.empty")
        operations.start_work(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            owner=form.owner.data or "",
            due=clock.at_local(day.year, day.month, day.day, 23, 59),
        )

    return _after(code, topic_id, form, act, _("已开始落实。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/correct")
@guard.needs(Permission.TOPIC_HANDLE)
def correct(code: str, topic_id: str) -> ResponseReturnValue:
    """Correct something published."""
    form = NoteForm()

    def act() -> None:
        operations.correct_topic(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            text=form.note.data or "",
        )

    return _after(code, topic_id, form, act, _("更正已公布，原文保留。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/link")
@guard.needs(Permission.TOPIC_HANDLE)
def link(code: str, topic_id: str) -> ResponseReturnValue:
    """Say which project a topic led to."""
    form = ProjectLinkForm()
    form.project.choices = [
        SelectChoice(p.code, p.title) for p in projects.all_projects(g.place.id)
    ]

    def act() -> None:
        operations.link_project(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            project_code=form.project.data or "",
        )

    return _after(code, topic_id, form, act, _("已关联到项目。"))


def _after(
    code: str, topic_id: str, form: FlaskForm, act: Callable[[], None], told: str
) -> ResponseReturnValue:
    """Go back to the topic when the rules agreed; show the page with what they said otherwise."""
    topic = queries.topic(g.place.id, topic_id)
    if web.carried_out(form, act):
        web.tell("done", told)
        return redirect(url_for("consultations.desk_topic", code=code, topic_id=topic_id), 303)
    return _desk_page(topic, form)


# --- for the rooms below -----------------------------------------------------------------------


def _subject(community_id: int, topic_id: str) -> Subject:
    topic = queries.topic(community_id, topic_id)
    if topic.line.state in UNSEEN:
        raise NotFound("topic")
    url = url_for("consultations.show", code=g.place.code, topic_id=topic_id)
    return Subject(topic.line.title, url, topic.line.state in rules.OPEN_TO_OPINIONS)


def _address(community_id: int, topic_id: str) -> tuple[str, str]:
    topic = queries.topic(community_id, topic_id)
    return topic.line.title, url_for("consultations.show", code=g.place.code, topic_id=topic_id)


register_subjects("topic", _subject)
register_address("topic", _address)

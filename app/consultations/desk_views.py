"""The desk's work with topics over HTTP: screening, notices, opinions, votes, carrying out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from app.consultations import deciding, operations, queries, rules, words
from app.consultations.forms import (
    AgendaForm,
    CoverTopicForm,
    DescribeForm,
    MergeForm,
    NoteForm,
    OpinionForm,
    OwnersVoteForm,
    ProjectLinkForm,
    TakePollForm,
    TopicResolutionForm,
    WorkForm,
)
from app.consultations.proposing import TopicText
from app.consultations.rules import UNSEEN, State
from app.consultations.showing import (
    REFUSED,
    agenda_page,
    bp,
    history,
    lifted,
    projects_of,
    unfinished,
)
from app.core import clock, guard, web
from app.core.errors import RuleBroken
from app.core.times import end_text, in_record_language
from app.discussion.words import reason_text
from app.meetings import queries as meetings
from app.meetings.words import badge_of
from app.people import browser
from app.policy.table import Permission, allowed
from app.projects import queries as projects

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

    from app.consultations.queries import TopicView

__all__ = ["bp"]  # with the desk's routes on it


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
    step = _next_step(topic) if handles else NO_STEP
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
        step=step,
        main=_plain_move(step.to) if step.to else None,
        sides=[_plain_move(to) for to in step.sides],
        outcome=words.outcome_sentence(topic.outcome) if topic.outcome else "",
        lifted=lifted(topic),
        covers=handles,
        cover_reason=reason_text(topic.cover_reason),
        unfinished=unfinished(topic),
        waits_for_second=held[-1] if held and held[-1].state == "announced" else None,
        in_session=handles and state is State.IN_SESSION,
        offers=rules.MOVES[state] if handles else frozenset(),
        describes=handles and state in {State.SCREENING, State.ACCEPTED},
        corrects=handles and state not in UNSEEN,
        State=State,
        history=history(topic),
        projects=projects_of(topic),
        tried=tried,
        **forms,
    )
    return page, (REFUSED if request.method == "POST" else 200)


@dataclass(frozen=True, slots=True)
class Step:
    """What the desk does next: a sentence to wait by, the move to make, and the side exits."""

    says: str = ""
    to: State | None = None
    sides: tuple[State, ...] = ()


NO_STEP = Step()
# The move that leads on where a word alone suffices; side exits are folded away.
ONWARD = {
    State.PROPOSED: State.SCREENING,
    State.SCREENING: State.ACCEPTED,
    State.PUBLISHED: State.DECIDED,
    State.IMPLEMENTING: State.REPORTED,
    State.REPORTED: State.RATED,
    State.RATED: State.ARCHIVED,
    State.NOT_ADOPTED: State.ARCHIVED,
}


def _next_step(topic: TopicView) -> Step:
    """Say what comes next, and whether it can come yet."""
    state, until = topic.line.state, topic.line.publication_until
    onward = ONWARD.get(state)
    offered = rules.plain_moves(state)
    sides = tuple(to for to in words.MOVES if to in offered and to is not onward)
    if state is State.PUBLISHED and until is not None and clock.now() < until:
        says = _("等公示期满，到 %(until)s。期满没有异议就可以确定。", until=end_text(until))
        return Step(says, None, (State.OBJECTION_REVIEW,))
    if state is State.REPORTED and not queries.was_rated(g.place.id, topic.subject):
        return Step(_("等居民评价：关联的项目评过、截止以后，再回来点“完成评议”。"), None, sides)
    return Step("", onward, sides)


@dataclass(frozen=True, slots=True)
class PlainMove:
    """A move that needs a word alone: its verb, what will happen, and what is asked for.

    `asks` is empty where the word may be left out.
    """

    to: State
    verb: str
    effect: str
    asks: str


def _plain_move(to: State) -> PlainMove:
    verb, effect = words.MOVES[to]
    return PlainMove(to, str(verb), str(effect), str(words.REASONS.get(to, "")))


def _desk_forms(topic: TopicView, tried: FlaskForm | None) -> dict[str, FlaskForm]:
    """Give a fresh form of each kind, and the one that was refused with its errors."""
    merge = MergeForm(formdata=None)
    merge.into.choices = _merge_choices(topic)
    link = ProjectLinkForm(formdata=None)
    link.project.choices = _link_choices(topic)
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
        "cover": _cover_form(topic),
        "resolution": TopicResolutionForm(formdata=None),
        "take": _take_form(topic),
        "owned": OwnersVoteForm(formdata=None),
    }
    for name, form in forms.items():
        if tried is not None and type(form) is type(tried):
            forms[name] = tried
    return forms


def _merge_choices(topic: TopicView) -> list[SelectChoice]:
    parents = queries.parents_for(g.place.id, topic.line.public_id)
    return [SelectChoice(other.public_id, other.title) for other in parents]


def _link_choices(topic: TopicView) -> list[SelectChoice]:
    """Offer the projects the topic does not lead to yet."""
    linked = queries.linked_projects(g.place.id, topic.subject)
    found = projects.all_projects(g.place.id)
    return [SelectChoice(one.code, one.title) for one in found if one.code not in linked]


def _cover_form(topic: TopicView) -> CoverTopicForm:
    form = CoverTopicForm()
    form.photos.choices = [
        SelectChoice(position, _("照片 %(number)s", number=number))
        for number, position in enumerate(topic.photo_positions, start=1)
    ]
    return form


def _take_form(topic: TopicView) -> TakePollForm:
    form = TakePollForm()
    asked = topic.line.state is State.TO_VOTE
    found = queries.polls_to_take(g.place.id, topic) if asked else []
    form.poll.choices = [SelectChoice(poll, title) for poll, title in found]
    return form


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
            text=TopicText(
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
    form.into.choices = _merge_choices(queries.topic(g.place.id, topic_id))

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
    if request.method == "GET" and State.ANNOUNCED not in rules.MOVES[topic.line.state]:
        raise RuleBroken("topic.wrong_state")
    form = AgendaForm(data=None if request.method == "POST" else _first_agenda(topic))
    del form.reason
    if topic.line.state is not State.ACCEPTED and topic.question:
        del form.question

    def act() -> None:
        operations.announce_topic(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            form=rules.Form(form.form.data),
            meeting=form.meeting(_sitting(form)),
            question=form.question.data if form.question else "",
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("公告已发布，居民现在可以报名。"))
        return redirect(url_for("consultations.desk_topic", code=code, topic_id=topic_id), 303)
    status = REFUSED if request.method == "POST" else 200
    return agenda_page(topic, form, again=False), status


@bp.route("/c/<code>/desk/topics/<topic_id>/again", methods=["GET", "POST"])
@guard.needs(Permission.TOPIC_HANDLE)
def call_again(code: str, topic_id: str) -> ResponseReturnValue:
    """Call another meeting about an opinion that is contested."""
    topic = queries.topic(g.place.id, topic_id)
    if request.method == "GET" and topic.line.state not in rules.CALL_AGAIN:
        raise RuleBroken("topic.wrong_state")
    form = AgendaForm(data=None if request.method == "POST" else _first_agenda(topic))
    del form.question

    def act() -> None:
        operations.call_again(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            form=rules.Form(form.form.data),
            meeting=form.meeting(_sitting(form)),
            reason=form.reason.data or "",
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("公告已发布，居民现在可以报名。"))
        return redirect(url_for("consultations.desk_topic", code=code, topic_id=topic_id), 303)
    status = REFUSED if request.method == "POST" else 200
    return agenda_page(topic, form, again=True), status


def _sitting(form: AgendaForm) -> str:
    """Say how people will sit together as it is kept and as it hangs at the gate: in Chinese."""
    with in_record_language():
        return words.form_name(form.form.data)


def _first_agenda(topic: TopicView) -> dict[str, object]:
    """Give what an empty agenda form suggests: ten days ahead, the desk's own office."""
    day = clock.local(clock.now() + timedelta(days=11))
    with in_record_language():
        agenda = _(
            "说明议事规则｜主持人｜5\n大家发言，每人三分钟｜全体｜45\n归纳共识和不同意见｜主持人｜20"
        )
    return {
        "title": topic.line.title,
        "question": topic.question,
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


@bp.post("/c/<code>/desk/topics/<topic_id>/objection")
@guard.needs(Permission.TOPIC_HANDLE)
def answer_objection(code: str, topic_id: str) -> ResponseReturnValue:
    """Answer the objection and go on with the publication."""
    form = NoteForm()

    def act() -> None:
        deciding.answer_objection(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            answer=form.note.data or "",
        )

    return _after(code, topic_id, form, act, _("答复已公开，公示继续，期满的日子不变。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/resolution")
@guard.needs(Permission.TOPIC_HANDLE)
def resolution(code: str, topic_id: str) -> ResponseReturnValue:
    """Enter what a meeting resolved."""
    form = TopicResolutionForm()

    def act() -> None:
        day = form.held_on.data
        if day is None:
            raise RuleBroken("topic.held_when")
        deciding.enter_resolution(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            resolution=form.resolution(),
            held_on=clock.at_local(day.year, day.month, day.day, 12),
        )

    return _after(code, topic_id, form, act, _("表决结果已记入公开记录。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/owners")
@guard.needs(Permission.TOPIC_HANDLE)
def owners(code: str, topic_id: str) -> ResponseReturnValue:
    """Enter what the owners decided together."""
    form = OwnersVoteForm()

    def act() -> None:
        day = form.day.data
        if day is None:
            raise RuleBroken("topic.held_when")
        deciding.enter_owners_vote(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            vote=form.vote(),
            held_on=clock.at_local(day.year, day.month, day.day, 12),
        )

    return _after(code, topic_id, form, act, _("表决结果已记入公开记录。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/poll")
@guard.needs(Permission.TOPIC_HANDLE)
def take_poll(code: str, topic_id: str) -> ResponseReturnValue:
    """Take a published poll as the vote."""
    form = _take_form(queries.topic(g.place.id, topic_id))

    def act() -> None:
        deciding.take_poll(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            poll=form.poll.data or "",
        )

    return _after(code, topic_id, form, act, _("表决结果已记入公开记录。"))


@bp.post("/c/<code>/desk/topics/<topic_id>/propose-again")
@guard.needs(Permission.TOPIC_HANDLE)
def propose_again(code: str, topic_id: str) -> ResponseReturnValue:
    """Propose what was not adopted once more."""
    made = deciding.propose_again(
        browser.current_actor(), community_id=g.place.id, topic_id=topic_id
    )
    web.tell("done", _("已作为新议题提出，从审核开始。原来的议题和结果不变。"))
    return redirect(url_for("consultations.desk_topic", code=code, topic_id=made), 303)


@bp.post("/c/<code>/desk/topics/<topic_id>/cover")
@guard.needs(Permission.POST_MODERATE)
def cover(code: str, topic_id: str) -> ResponseReturnValue:
    """Mask words and hide photos of a topic."""
    form = _cover_form(queries.topic(g.place.id, topic_id))

    def act() -> None:
        operations.cover_topic(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            cover=operations.Cover(
                form.reason.data or "", form.phrases(), tuple(form.photos.data or ())
            ),
        )

    return _after(code, topic_id, form, act, _("已遮住，原文留存，理由公开。"))


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
    form.project.choices = _link_choices(queries.topic(g.place.id, topic_id))

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

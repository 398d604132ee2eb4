"""Proposals over HTTP: comparing alternatives, the designer's desk, the committee's look."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from app.bodies import queries as bodies
from app.communities.settings import number_of
from app.core import clock, guard, images, web
from app.core.errors import NotFound
from app.core.times import in_record_language
from app.core.words import yuan
from app.designs import operations, queries, words
from app.designs.forms import DecideForm, PostponeForm, ProposalForm, RevisionForm
from app.designs.rules import State
from app.discussion import queries as opinions
from app.discussion.steps import Subject, register_subjects
from app.discussion.views import thread_for_page
from app.meetings import queries as meetings
from app.meetings.forms import MeetingForm
from app.meetings.words import badge_of
from app.people import browser
from app.people.steps import register_address
from app.policy.table import Permission, allowed
from app.projects import queries as projects

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.designs.forms import PlanForm
    from app.designs.queries import ProposalView

bp = Blueprint("designs", __name__)
REFUSED = 422
UPLOAD_LIMIT = 3 * images.MAX_BYTES + 256 * 1024


@bp.get("/c/<code>/designs/<design_id>")
@guard.public
def show(code: str, design_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show a proposal's alternatives side by side, its revisions, and what people say."""
    proposal, own, looks = _seen(design_id)
    runs = allowed(browser.current_actor(), Permission.MEETING_RUN, g.place.place)
    return render_template(
        "designs/show.html",
        place=g.place,
        proposal=proposal,
        project=projects.project(g.place.id, proposal.project_code),
        state=words.state_badge(proposal.state),
        thread=thread_for_page(
            g.place.id,
            proposal.subject,
            is_open=proposal.state is State.PUBLISHED,
            designers=True,
            within=(f"project:{proposal.project_code}",),
        ),
        practices=_practices(proposal),
        sessions=meetings.meetings_about(g.place.id, proposal.subject),
        meeting_badge=badge_of,
        own=own,
        decides=looks and proposal.state is State.SUBMITTED,
        calls=runs and proposal.state is State.PUBLISHED,
        decide=DecideForm(formdata=None),
        postpone=PostponeForm(formdata=None),
        changed={
            one.public_id: one.text for one in opinions.opinions(g.place.id, proposal.subject)
        },
    )


def _practices(proposal: ProposalView) -> list[str]:
    """The practices for which the designer acted when this was proposed, or acts now."""
    thing = f"project:{proposal.project_code}"
    moments = proposal.created_at, clock.now()
    found = [
        name
        for moment in moments
        for name in bodies.acted_for_at(g.place.id, proposal.person_id, thing, moment)
    ]
    return list(dict.fromkeys(found))


def _seen(design_id: str) -> tuple[ProposalView, bool, bool]:
    """Give a proposal this reader may see, whether it is theirs, and whether they look at it first.

    What is not published is for its designer and for the committee.
    """
    proposal = queries.proposal(g.place.id, design_id)
    actor = browser.current_actor()
    looks = allowed(actor, Permission.POST_MODERATE, g.place.place)
    own = proposal.person_id == actor.person_id
    if proposal.state is not State.PUBLISHED and not own and not looks:
        abort(404)
    return proposal, own, looks


@bp.get("/c/<code>/designs/<design_id>/<letter>")
@guard.public
def drawing(code: str, design_id: str, letter: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show one alternative's drawing as large as it is, with a way back."""
    proposal, _own, _looks = _seen(design_id)
    found = next((one for one in proposal.alternatives if one.letter == letter), None)
    if found is None or found.picture is None:
        abort(404)
    return render_template(
        "designs/drawing.html", place=g.place, proposal=proposal, one=found, picture=found.picture
    )


# --- the designer ------------------------------------------------------------------------------


@bp.route("/c/<code>/designer/new", methods=["GET", "POST"])
@guard.needs(Permission.DESIGN_POST)
@guard.takes(UPLOAD_LIMIT)
def new(code: str) -> ResponseReturnValue:
    """Post a proposal."""
    form = ProposalForm()
    form.project.choices = [
        SelectChoice(one.code, one.title) for one in projects.all_projects(g.place.id)
    ]
    made: list[str] = []

    def act() -> None:
        made.append(
            operations.post_proposal(
                browser.current_actor(),
                community_id=g.place.id,
                new=operations.NewProposal(
                    form.project.data or "",
                    form.title.data or "",
                    _drawn(form.plans()),
                    form.once.data or None,
                ),
            )
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("方案已提交，居委会看过以后公布。"))
        return redirect(url_for("designs.show", code=code, design_id=made[0]), 303)
    return _form_page(form, None)


@bp.route("/c/<code>/designer/<design_id>/revise", methods=["GET", "POST"])
@guard.needs(Permission.DESIGN_POST)
@guard.takes(UPLOAD_LIMIT)
def revise(code: str, design_id: str) -> ResponseReturnValue:
    """Post the next revision of one's own proposal."""
    proposal = queries.proposal(g.place.id, design_id)
    if proposal.person_id != browser.current_actor().person_id:
        abort(404)
    form = RevisionForm(data=None if request.method == "POST" else _as_typed(proposal))
    said = opinions.opinions(g.place.id, proposal.subject)
    form.because.choices = [
        SelectChoice("", _("不是根据意见改的")),
        *(SelectChoice(one.public_id, one.text[:60]) for one in said),
    ]

    def act() -> None:
        operations.revise_proposal(
            browser.current_actor(),
            community_id=g.place.id,
            design_id=design_id,
            change=operations.Change(
                form.what.data or "",
                form.because.data or "",
                _drawn(form.plans()),
                form.once.data or None,
            ),
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("新的一版已保存。"))
        return redirect(url_for("designs.show", code=code, design_id=design_id), 303)
    return _form_page(form, proposal)


def _form_page(form: ProposalForm, proposal: ProposalView | None) -> ResponseReturnValue:
    status = REFUSED if request.method == "POST" else 200
    if request.method == "GET":
        form.once.data = secrets.token_hex(16)
    page = render_template(
        "designs/form.html",
        place=g.place,
        form=form,
        proposal=proposal,
        plans=[("A", form.a.form), ("B", form.b.form), ("C", form.c.form)],
    )
    return page, status


def _drawn(forms: list[tuple[int, PlanForm]]) -> tuple[operations.Drawn, ...]:
    return tuple(operations.Drawn(one.plan(), _picture(one), place) for place, one in forms)


def _picture(form: PlanForm) -> images.Picture | None:
    upload = form.picture.data
    data = upload.read(images.MAX_BYTES + 1) if upload else b""
    return images.repaint(data) if data else None


def _as_typed(proposal: ProposalView) -> dict[str, object]:
    typed: dict[str, object] = {}
    for name, one in zip("abc", proposal.alternatives, strict=False):
        plan = one.plan
        typed[name] = {
            "title": plan.title,
            "summary": plan.summary,
            "cost": yuan(plan.cost_fen),
            "upkeep": yuan(plan.upkeep_fen),
            "serves": plan.serves,
            "gives_up": plan.gives_up,
        }
    return typed


# --- the desk ----------------------------------------------------------------------------------


@bp.post("/c/<code>/desk/designs/<design_id>/<verdict>")
@guard.needs(Permission.POST_MODERATE)
def decide(code: str, design_id: str, verdict: str) -> ResponseReturnValue:
    """Publish a proposal or return it."""
    if verdict not in {"publish", "return"}:
        abort(404)
    form = DecideForm()

    def act() -> None:
        operations.decide_proposal(
            browser.current_actor(),
            community_id=g.place.id,
            design_id=design_id,
            publish=verdict == "publish",
            note=form.note.data or "",
        )

    queries.proposal(g.place.id, design_id)
    if web.carried_out(form, act):
        web.tell("done", _("已办好。"))
    else:
        web.tell("refused", str(next(iter(form.form_errors), _("没有办成，请再试一次。"))))
    return redirect(url_for("designs.show", code=code, design_id=design_id), 303)


@bp.route("/c/<code>/desk/designs/<design_id>/session", methods=["GET", "POST"])
@guard.needs(Permission.MEETING_RUN)
def call(code: str, design_id: str) -> ResponseReturnValue:
    """Call residents to a session with the designer."""
    proposal = queries.proposal(g.place.id, design_id)
    # The notice hangs at the gate: its words are proposed in Chinese.
    with in_record_language():
        title = _("设计师进社区：%(title)s", title=proposal.title)
        form_name = _("设计师进社区")
    first = {"title": title, "place": g.place.office}
    form = MeetingForm(data=None if request.method == "POST" else first)

    def act() -> None:
        operations.call_session(
            browser.current_actor(),
            community_id=g.place.id,
            design_id=design_id,
            meeting=form.meeting(form_name),
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("公告已发布，居民现在可以报名。"))
        return redirect(url_for("designs.show", code=code, design_id=design_id), 303)
    status = REFUSED if request.method == "POST" else 200
    page = render_template(
        "designs/session.html",
        place=g.place,
        proposal=proposal,
        form=form,
        notice_days=number_of(g.place.id, "notice_days"),
    )
    return page, status


@bp.post("/c/<code>/desk/meetings/<meeting_id>/begin")
@guard.needs(Permission.MEETING_RUN)
def begin(code: str, meeting_id: str) -> ResponseReturnValue:
    """Begin a session about a proposal."""
    web.once(
        lambda: operations.open_designer_session(
            browser.current_actor(), community_id=g.place.id, meeting_id=meeting_id
        )
    )
    web.tell("done", _("会议开始，可以签到。"))
    return redirect(url_for("meetings.desk_meeting", code=code, meeting_id=meeting_id), 303)


@bp.post("/c/<code>/desk/meetings/<meeting_id>/put-off")
@guard.needs(Permission.MEETING_RUN)
def put_off(code: str, meeting_id: str) -> ResponseReturnValue:
    """Put a session about a proposal off."""
    form, meeting = PostponeForm(), meetings.meeting(g.place.id, meeting_id)
    prefix, _colon, design_id = meeting.subject.partition(":")
    if prefix != "design":
        abort(404)

    def act() -> None:
        operations.postpone_session(
            browser.current_actor(),
            community_id=g.place.id,
            meeting_id=meeting_id,
            reason=form.note.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("已延期，报名的人和设计师会收到消息。定了新时间，请再办一场。"))
    else:
        web.tell("refused", str(next(iter(form.form_errors), _("没有办成，请再试一次。"))))
    return redirect(url_for("designs.show", code=code, design_id=design_id), 303)


def _subject(community_id: int, design_id: str) -> Subject:
    proposal = queries.proposal(community_id, design_id)
    if proposal.state is not State.PUBLISHED:
        raise NotFound("design")
    url = url_for("designs.show", code=g.place.code, design_id=design_id)
    project = f"project:{proposal.project_code}"
    return Subject(proposal.title, url, open=True, designers=True, within=(project,))


def _address(community_id: int, design_id: str) -> tuple[str, str]:
    title = queries.proposal(community_id, design_id).title
    return title, url_for("designs.show", code=g.place.code, design_id=design_id)


register_subjects("design", _subject)
register_address("design", _address)

"""The ledger: public pages of projects, and the desk's form."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.bodies.queries import at_work_on
from app.bodies.steps import Scoped, register_scopes
from app.core import clock, guard, images, web
from app.core.errors import RuleBroken
from app.core.times import day_text
from app.core.words import yuan
from app.people import browser
from app.people.forms import ActForm
from app.people.steps import register_address
from app.policy.table import Permission
from app.projects import operations, queries, steps, words
from app.projects.forms import (
    BodiesForm,
    DecisionForm,
    DoneForm,
    MilestoneForm,
    ProgressForm,
    ProjectForm,
    default_route,
    lines_text,
)
from app.projects.rules import KEPT_HERE, Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

    from app.core.images import Picture
    from app.projects.queries import ProjectView
    from app.projects.rules import Line

bp = Blueprint("projects", __name__)
bp.add_app_template_filter(yuan, "yuan")
bp.add_app_template_filter(words.routes_text, "routes_text")
bp.add_app_template_filter(words.stage_text, "stage_text")

UPLOAD_LIMIT = images.MAX_BYTES + 256 * 1024


@bp.get("/c/<code>/projects/")
@guard.public
def index(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show all projects of a community."""
    return render_template(
        "projects/index.html", place=g.place, projects=queries.all_projects(g.place.id)
    )


@bp.get("/c/<code>/projects/<project_code>")
@guard.public
def show(code: str, project_code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show one project: what it solves, costs, who pays, who keeps it, which way it goes."""
    project = queries.project(g.place.id, project_code)
    works = queries.works(g.place.id, project_code)
    return render_template(
        "projects/show.html",
        works=works,
        milestones=_milestone_rows(works),
        chain=steps.chain_of(g.place.id, project_code),
        place=g.place,
        project=project,
        costs=_rows(project.costs),
        funds=_rows(project.funds),
        supply_mode=words.supply_mode_text(project.supply_mode),
        polls=queries.polls_about(g.place.id, project.code),
        contractors=at_work_on(g.place.id, f"project:{project.code}", project.builder),
    )


def _milestone_rows(works: queries.Works) -> list[tuple[str, str, str]]:
    return [
        (one.title, day_text(one.planned_on), day_text(one.done_on) if one.done_on else _("还没有"))
        for one in works.milestones
    ]


def _rows(lines: tuple[Line, ...]) -> list[tuple[str, str]]:
    total = sum(line.amount_fen for line in lines)
    rows = [(line.name, yuan(line.amount_fen)) for line in lines]
    return [*rows, (_("合计"), yuan(total))]


@bp.get("/c/<code>/desk/projects")
@guard.needs(Permission.DESK_VIEW)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the ledger to the desk."""
    return render_template(
        "projects/desk.html", place=g.place, projects=queries.all_projects(g.place.id)
    )


@bp.get("/c/<code>/desk/projects/<project_code>/works")
@guard.needs(Permission.PROJECT_PROGRESS)
def works(code: str, project_code: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show the desk how a project goes on: stage, bodies, milestones, reports."""
    return _works_page(queries.project(g.place.id, project_code), None)


def _works_page(project: ProjectView, tried: FlaskForm | None) -> ResponseReturnValue:
    works = queries.works(g.place.id, project.code)
    after = list(Stage)[project.stage_index + 1 : project.stage_index + 2]
    bodies = BodiesForm(
        formdata=None, data={"responsible": project.responsible, "builder": project.builder}
    )
    entered = queries.decisions(g.place.id, project.code)
    decision = DecisionForm(formdata=None)
    decision.offer(_still_to_enter(project, entered))
    forms: dict[str, FlaskForm] = {
        "bodies": bodies,
        "decision": decision,
        "milestone": MilestoneForm(formdata=None),
        "done": DoneForm(formdata=None),
        "report": ProgressForm(formdata=None, data={"once": secrets.token_hex(16)}),
    }
    for name, form in forms.items():
        if tried is not None and type(form) is type(tried):
            forms[name] = tried
    page = render_template(
        "projects/works.html",
        place=g.place,
        project=project,
        works=works,
        decisions=[(words.route_text(one.route), one) for one in entered],
        open_steps=sum(step.done_on is None for step in works.milestones),
        next_stage=after[0] if after else None,
        next_stage_name=str(words.STAGES[after[0]]) if after else "",
        tried=tried,
        **forms,
    )
    return page, (422 if request.method == "POST" else 200)


@bp.post("/c/<code>/desk/projects/<project_code>/stage/<to>")
@guard.needs(Permission.PROJECT_PROGRESS)
def advance(code: str, project_code: str, to: str) -> ResponseReturnValue:
    """Take a project on to the next stage."""
    if to not in set(Stage):
        abort(404)

    def act() -> None:
        operations.advance_project(
            browser.current_actor(), community_id=g.place.id, code=project_code, to=Stage(to)
        )

    return _after(code, project_code, ActForm(), act, _("已进入下一步，记入公开记录。"))


def _still_to_enter(project: ProjectView, entered: list[queries.DecisionView]) -> list[str]:
    """The project's legal acts that happen outside the portal and are not entered yet."""
    known = {one.route for one in entered} | KEPT_HERE
    return [route for route in project.decision_route if route not in known]


@bp.post("/c/<code>/desk/projects/<project_code>/decisions")
@guard.needs(Permission.PROJECT_PROGRESS)
def decision(code: str, project_code: str) -> ResponseReturnValue:
    """Enter what a meeting or the owners decided."""
    form = DecisionForm()
    project = queries.project(g.place.id, project_code)
    form.offer(project.decision_route)

    def act() -> None:
        operations.enter_decision(
            browser.current_actor(),
            community_id=g.place.id,
            code=project_code,
            decision=operations.Decision(
                form.route.data, _day(form.decided_on.data), form.outcome.data or ""
            ),
        )

    return _after(code, project_code, form, act, _("已记入公开记录。"))


@bp.post("/c/<code>/desk/projects/<project_code>/bodies")
@guard.needs(Permission.PROJECT_PROGRESS)
def bodies(code: str, project_code: str) -> ResponseReturnValue:
    """Name who answers for a project and who builds it."""
    form = BodiesForm()

    def act() -> None:
        operations.name_bodies(
            browser.current_actor(),
            community_id=g.place.id,
            code=project_code,
            responsible=form.responsible.data or "",
            builder=form.builder.data or "",
        )

    return _after(code, project_code, form, act, _("已保存。"))


@bp.post("/c/<code>/desk/projects/<project_code>/milestones")
@guard.needs(Permission.PROJECT_PROGRESS)
def milestone(code: str, project_code: str) -> ResponseReturnValue:
    """Plan a step of the building."""
    form = MilestoneForm()

    def act() -> None:
        operations.plan_milestone(
            browser.current_actor(),
            community_id=g.place.id,
            code=project_code,
            title=form.title.data or "",
            planned_on=_day(form.planned_on.data),
        )

    return _after(code, project_code, form, act, _("节点已加上。"))


@bp.post("/c/<code>/desk/projects/<project_code>/milestones/<int:number>")
@guard.needs(Permission.PROJECT_PROGRESS)
def milestone_done(code: str, project_code: str, number: int) -> ResponseReturnValue:
    """Say on which day a step was done."""
    form = DoneForm()

    def act() -> None:
        operations.finish_milestone(
            browser.current_actor(),
            community_id=g.place.id,
            code=project_code,
            number=number,
            done_on=_day(form.done_on.data),
        )

    return _after(code, project_code, form, act, _("已记下完成的日子。"))


@bp.post("/c/<code>/desk/projects/<project_code>/progress")
@guard.needs(Permission.PROJECT_PROGRESS)
@guard.takes(UPLOAD_LIMIT)
def progress(code: str, project_code: str) -> ResponseReturnValue:
    """Report on the building."""
    form = ProgressForm()

    def act() -> None:
        upload = form.picture.data
        data = upload.read(images.MAX_BYTES + 1) if upload else b""
        operations.report_progress(
            browser.current_actor(),
            community_id=g.place.id,
            code=project_code,
            progress=operations.Progress(
                form.text.data or "",
                form.once.data or secrets.token_hex(16),
                images.repaint(data) if data else None,
            ),
        )

    return _after(code, project_code, form, act, _("进展已公布。"))


def _day(day: date | None) -> datetime:
    if day is None:
        raise RuleBroken("project.milestone_empty")
    return clock.at_local(day.year, day.month, day.day)


def _after(
    code: str, project_code: str, form: FlaskForm, act: Callable[[], None], told: str
) -> ResponseReturnValue:
    project = queries.project(g.place.id, project_code)
    if web.carried_out(form, act):
        web.tell("done", told)
        address = url_for("projects.works", code=code, project_code=project_code)
        return redirect(address, 303)
    return _works_page(project, form)


@bp.route("/c/<code>/desk/projects/new", methods=["GET", "POST"])
@guard.needs(Permission.PROJECT_EDIT)
@guard.takes(UPLOAD_LIMIT)
def new(code: str) -> ResponseReturnValue:
    """Put a project on the ledger."""
    form = ProjectForm(
        data=None if request.method == "POST" else {"decision_route": default_route()}
    )
    if not form.validate_on_submit():
        return _form_page(form, None)
    return _save(form, code, form.code.data or "", operations.add_project, None)


@bp.route("/c/<code>/desk/projects/<project_code>", methods=["GET", "POST"])
@guard.needs(Permission.PROJECT_EDIT)
@guard.takes(UPLOAD_LIMIT)
def edit(code: str, project_code: str) -> ResponseReturnValue:
    """Change a project's text."""
    project = queries.project(g.place.id, project_code)
    form = ProjectForm(data=None if request.method == "POST" else _as_typed(project))
    form.code.data = project.code
    if not form.validate_on_submit():
        return _form_page(form, project)
    return _save(form, code, project.code, operations.change_project, project)


def _save(
    form: ProjectForm,
    code: str,
    project_code: str,
    save: Callable[..., object],
    project: ProjectView | None,
) -> ResponseReturnValue:
    try:
        picture = _picture(form)
        web.once(
            lambda: save(
                browser.current_actor(),
                community_id=g.place.id,
                code=project_code,
                text=_text(form),
                picture=picture,
            )
        )
    except RuleBroken as error:
        return _form_page(form, project, error)
    web.tell("done", _("项目已保存。"))
    return redirect(url_for("projects.show", code=code, project_code=project_code), 303)


def _form_page(
    form: ProjectForm, project: ProjectView | None, error: RuleBroken | None = None
) -> ResponseReturnValue:
    if error is not None:
        form.form_errors.append(web.sentence(error))
    status = 422 if request.method == "POST" else 200
    return render_template("projects/edit.html", place=g.place, form=form, project=project), status


def _picture(form: ProjectForm) -> Picture | None:
    upload = form.picture.data
    data = upload.read(images.MAX_BYTES + 1) if upload else b""
    return images.repaint(data) if data else None


def _text(form: ProjectForm) -> operations.ProjectText:
    return operations.ProjectText(
        title=(form.title.data or "").strip(),
        location=form.location.data or "",
        problem=form.problem.data or "",
        proposal=form.proposal.data or "",
        supply_mode=form.supply_mode.data,
        budget_fen=form.budget.fen,
        decision_route=tuple(form.decision_route.data or ()),
        scope=form.scope.data or "",
        build_months=form.build_months.data,
        upkeep_fen_per_year=form.upkeep.fen,
        upkeep_by=form.upkeep_by.data or "",
        risk=form.risk.data or "",
        asked_by=(form.asked_by.data or "").strip(),
        costs=form.costs.lines,
        funds=form.funds.lines,
    )


def _as_typed(project: ProjectView) -> dict[str, object]:
    same = (
        "title",
        "location",
        "problem",
        "proposal",
        "scope",
        "build_months",
        "upkeep_by",
        "risk",
        "asked_by",
    )
    typed: dict[str, object] = {name: getattr(project, name) for name in same}
    return typed | {
        "code": project.code,
        "supply_mode": project.supply_mode,
        "budget": yuan(project.budget_fen).replace(",", ""),
        "costs": lines_text(project.costs),
        "funds": lines_text(project.funds),
        "upkeep": yuan(project.upkeep_fen_per_year).replace(",", ""),
        "decision_route": list(project.decision_route),
    }


def _scopes(community_id: int) -> list[Scoped]:
    """The projects in which somebody can act for a body; what is built is kept up, too."""
    return [
        Scoped(f"project:{one.code}", one.title, goes_on=True)
        for one in queries.all_projects(community_id)
    ]


def _address(community_id: int, project_code: str) -> tuple[str, str]:
    """Where a project is."""
    title = queries.project(community_id, project_code).title
    return title, url_for("projects.show", code=g.place.code, project_code=project_code)


register_scopes("project", _scopes)
register_address("project", _address)

"""Ratings over HTTP: the page behind the QR at the facility, and the desk's part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.core import clock, guard, qr, web
from app.core.errors import RuleBroken
from app.discussion.steps import Subject, register_subjects
from app.discussion.views import thread_for_page
from app.people import browser
from app.people.steps import register_address
from app.policy.table import Permission, allowed
from app.projects import queries as projects
from app.projects.rules import Stage, stage_index
from app.ratings import operations, queries, words
from app.ratings.forms import DoneForm, RepairForm, StartForm

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

bp = Blueprint("ratings", __name__)
REFUSED = 422


@bp.get("/c/<code>/projects/<project_code>/rating")
@guard.public
def show(code: str, project_code: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show how a finished project is rated: the invitation, the results, the repairs."""
    project = projects.project(g.place.id, project_code)
    rounds = queries.rounds(g.place.id, project_code)
    is_open = bool(rounds) and rounds[-1].is_open
    return render_template(
        "ratings/show.html",
        place=g.place,
        project=project,
        current=rounds[-1] if is_open else None,
        closed=[one for one in reversed(rounds) if one.questions],
        repairs=queries.repairs(g.place.id, project_code),
        waiting=queries.unanswered(g.place.id, project_code).get(project_code, []),
        open_question=words.open_question(),
        thread=thread_for_page(g.place.id, f"rating:{project_code}", is_open=bool(rounds)),
    )


# --- the desk ----------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/ratings")
@guard.needs(Permission.DESK_VIEW)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the desk every finished project with its newest round, and the repairs that are due."""
    finished = [
        project
        for project in projects.all_projects(g.place.id)
        if project.stage_index >= stage_index(Stage.MANAGE)
    ]
    rows = [(project, queries.rounds(g.place.id, project.code)) for project in finished]
    return render_template(
        "ratings/desk.html",
        place=g.place,
        rows=[(project, rounds[-1] if rounds else None) for project, rounds in rows],
        repairs=queries.open_repairs(g.place.id),
    )


@bp.get("/c/<code>/desk/ratings/<project_code>")
@guard.needs(Permission.DESK_VIEW)
def desk_project(code: str, project_code: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show the desk one project's rounds, low scores and repairs."""
    return _desk_page(project_code, None)


def _desk_page(project_code: str, tried: FlaskForm | None) -> ResponseReturnValue:
    rounds = queries.rounds(g.place.id, project_code)
    forms: dict[str, FlaskForm] = {
        "start": StartForm(formdata=None),
        "repair": RepairForm(formdata=None),
        "done": DoneForm(formdata=None),
    }
    for name, form in forms.items():
        if tried is not None and type(form) is type(tried):
            forms[name] = tried
    newest = rounds[-1] if rounds else None
    page = render_template(
        "ratings/desk_project.html",
        place=g.place,
        project=projects.project(g.place.id, project_code),
        newest=newest,
        low=[one for one in newest.questions if one.low] if newest else [],
        repairs=queries.repairs(g.place.id, project_code),
        runs=allowed(browser.current_actor(), Permission.RATING_RUN, g.place.place),
        tried=tried,
        **forms,
    )
    return page, (REFUSED if request.method == "POST" else 200)


@bp.get("/c/<code>/desk/ratings/<project_code>/qr.svg")
@guard.needs(Permission.DESK_VIEW)
def facility_qr(code: str, project_code: str) -> Response:
    """The QR for the finished facility: it leads to the rating page, round after round."""
    projects.project(g.place.id, project_code)
    address = web.lasting_address("ratings.show", code=code, project_code=project_code)
    return Response(qr.svg(address), mimetype="image/svg+xml")


@bp.post("/c/<code>/desk/ratings/<project_code>/start")
@guard.needs(Permission.RATING_RUN)
def start(code: str, project_code: str) -> ResponseReturnValue:
    """Ask all households."""
    form = StartForm()

    def act() -> None:
        operations.start_rating(
            browser.current_actor(),
            community_id=g.place.id,
            project_code=project_code,
            days=form.days.data or 0,
        )

    return _after(code, project_code, form, act, _("评价已开放，每户都能评。"))


@bp.post("/c/<code>/desk/ratings/<project_code>/repairs/<option>")
@guard.needs(Permission.RATING_RUN)
def repair(code: str, project_code: str, option: str) -> ResponseReturnValue:
    """Answer a low score with a repair."""
    form = RepairForm()
    rounds = queries.rounds(g.place.id, project_code)

    def act() -> None:
        day = form.due.data
        if day is None or not rounds:
            raise RuleBroken("repair.empty")
        operations.open_repair(
            browser.current_actor(),
            community_id=g.place.id,
            poll=rounds[-1].poll,
            repair=operations.NewRepair(
                option,
                form.what.data or "",
                form.owner.data or "",
                clock.at_local(day.year, day.month, day.day, 23, 59),
            ),
        )

    return _after(code, project_code, form, act, _("返修任务已公开。"))


@bp.post("/c/<code>/desk/repairs/<repair_id>")
@guard.needs(Permission.RATING_RUN)
def repair_done(code: str, repair_id: str) -> ResponseReturnValue:
    """Say that a repair is done."""
    form = DoneForm()
    project_code = queries.repair_project(g.place.id, repair_id)

    def act() -> None:
        operations.finish_repair(
            browser.current_actor(),
            community_id=g.place.id,
            repair_id=repair_id,
            note=form.note.data or "",
        )

    return _after(code, project_code, form, act, _("返修办完，可以再请大家评一次。"))


def _after(
    code: str, project_code: str, form: FlaskForm, act: Callable[[], None], told: str
) -> ResponseReturnValue:
    projects.project(g.place.id, project_code)
    if web.carried_out(form, act):
        web.tell("done", told)
        address = url_for("ratings.desk_project", code=code, project_code=project_code)
        return redirect(address, 303)
    return _desk_page(project_code, form)


def _subject(community_id: int, project_code: str) -> Subject:
    """The open question of a project's ratings: what people write there is moderated."""
    project = projects.project(community_id, project_code)
    title = _("%(project)s：%(question)s", project=project.title, question=words.open_question())
    url = url_for("ratings.show", code=g.place.code, project_code=project_code)
    return Subject(title, url, bool(queries.rounds(community_id, project_code)))


def _address(community_id: int, project_code: str) -> tuple[str, str]:
    """Where the rating of a project is."""
    subject = _subject(community_id, project_code)
    return projects.project(community_id, project_code).title, subject.url


register_subjects("rating", _subject, recorded=False)
register_address("rating", _address)

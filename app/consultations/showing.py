"""What the pages of topics share: the blueprint, a topic's history, the projects it led to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, render_template
from flask_babel import gettext as _

from app.communities.settings import number_of
from app.consultations import queries, words
from app.consultations.rules import State
from app.consultations.steps import lifted_to
from app.core.times import end_text, time_text
from app.discussion import queries as opinions
from app.projects import queries as projects

if TYPE_CHECKING:
    from app.consultations.forms import AgendaForm
    from app.consultations.queries import TopicView
    from app.consultations.steps import Elsewhere
    from app.discussion.queries import PostView

bp = Blueprint("consultations", __name__)
bp.add_app_template_filter(end_text, "end_text")
REFUSED = 422


def history(topic: TopicView) -> list[dict[str, object]]:
    """Every move of a topic with its words, for a timeline."""
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


def lifted(topic: TopicView) -> Elsewhere | None:
    """What a lifted topic became; None for one that was not lifted, or not taken up yet."""
    if topic.line.state not in {State.ESCALATED, State.ARCHIVED}:
        return None
    return lifted_to(g.place.id, topic.subject)


def agenda_page(topic: TopicView, form: AgendaForm, *, again: bool) -> str:
    """The page where a meeting is called, which says how many days before."""
    return render_template(
        "consultations/agenda.html",
        place=g.place,
        topic=topic,
        form=form,
        again=again,
        notice_days=number_of(g.place.id, "notice_days"),
    )


def projects_of(topic: TopicView) -> list[projects.ProjectView]:
    """The projects a topic led to."""
    codes = queries.linked_projects(g.place.id, topic.subject)
    return projects.projects_by_code(g.place.id, codes) if codes else []


def unfinished(topic: TopicView) -> list[PostView]:
    """Residents' opinions the desk has to finish with before it can publish the topic's own."""
    if topic.line.state is not State.DRAFTED:
        return []
    return opinions.unfinished(g.place.id, topic.subject)

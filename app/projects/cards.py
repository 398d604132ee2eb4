"""Projects as the options of a poll: registered with voting, which knows nothing of projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.core.words import yuan
from app.projects import queries
from app.projects.words import routes_text
from app.voting.steps import CardPicture, MoneyTable, OptionCard, register_cards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.projects.queries import ProjectView
    from app.projects.rules import Line


@register_cards
def cards(community_id: int, codes: Sequence[str] | None) -> list[OptionCard]:
    """The named projects as cards; None gives those not yet being built. Raises: NotFound."""
    if codes is None:
        ledger = queries.all_projects(community_id)
        return [_card(project) for project in ledger if project.stage_index == 0]
    return [_card(project) for project in queries.projects_by_code(community_id, codes)]


def _card(project: ProjectView) -> OptionCard:
    picture = project.picture
    return OptionCard(
        option=project.code,
        subject=f"project:{project.code}",
        title=project.title,
        cost_fen=project.budget_fen,
        summary=project.problem,
        facts=_facts(project),
        money=(
            _money(_("花在哪里"), project.costs),
            _money(_("钱从哪里来"), project.funds),
        ),
        picture=CardPicture(
            picture.public_id,
            picture.alt,
            picture.width,
            picture.height,
            picture.sha256,
        )
        if picture
        else None,
    )


def _money(heading: str, lines: Sequence[Line]) -> MoneyTable:
    return MoneyTable(heading, tuple((line.name, line.amount_fen) for line in lines))


def _facts(project: ProjectView) -> tuple[tuple[str, str], ...]:
    upkeep = _(
        "每年 %(yuan)s 元，%(by)s",
        yuan=yuan(project.upkeep_fen_per_year),
        by=project.upkeep_by,
    )
    months = _("%(months)s 个月", months=project.build_months) if project.build_months else ""
    facts = (
        (_("打算怎么做"), project.proposal),
        (_("地点"), project.location),
        (_("涉及范围"), project.scope),
        (_("工期"), months),
        (_("以后谁维护"), upkeep),
        (_("难处"), project.risk),
        (_("怎么决定"), routes_text(project.decision_route)),
    )
    return tuple((label, text) for label, text in facts if text)

"""Projects as the options of a poll: registered with voting, which knows nothing of projects."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.core.words import counted, yuan
from app.projects import queries
from app.projects.words import routes_text, routes_translated
from app.voting.steps import (
    PREFERENCE,
    CardPicture,
    MoneyTable,
    OptionCard,
    register_cards,
    register_translation,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.projects.queries import ProjectView
    from app.projects.rules import Line

# Two facts as they were frozen: a duration, and what the upkeep costs whom.
DURATION = re.compile(r"(\d+) 个月")
UPKEEP = re.compile(r"每年 ([\d,.]+) 元，(.*)", re.DOTALL)


@register_cards
def cards(community_id: int, codes: Sequence[str] | None) -> list[OptionCard]:
    """The named projects as cards; None gives those not yet being built. Raises: NotFound."""
    if codes is None:
        ledger = queries.all_projects(community_id)
        return [_card(project) for project in ledger if project.stage_index == 0]
    return [_card(project) for project in queries.projects_by_code(community_id, codes)]


def _translated(card: OptionCard) -> OptionCard:
    """The headings and labels of a frozen card in the reader's language, and plain durations.

    They were frozen as the catalogue's own Chinese texts, so the catalogue knows them.
    """
    money = tuple(replace(table, heading=_(table.heading)) for table in card.money)
    facts = tuple((_(label), _fact(text)) for label, text in card.facts)
    return replace(card, money=money, facts=facts)


def _fact(text: str) -> str:
    if duration := DURATION.fullmatch(text):
        months = int(duration[1])
        return counted("%(months)s 个月", months, months=months)
    if upkeep := UPKEEP.fullmatch(text):
        return _("每年 %(yuan)s 元，%(by)s", yuan=upkeep[1], by=upkeep[2])
    return routes_translated(text)


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
    count = project.build_months or 0
    months = counted("%(months)s 个月", count, months=count) if count else ""
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


register_translation(PREFERENCE, _translated)

"""The nine questions as the options of a rating: registered with voting, which knows no ratings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.core.errors import NotFound
from app.projects import queries as projects
from app.ratings import rules, words
from app.voting.rules import PollKind
from app.voting.steps import OptionCard, register_cards_of, register_translation

if TYPE_CHECKING:
    from collections.abc import Sequence


def cards(community_id: int, codes: Sequence[str] | None) -> list[OptionCard]:
    """The named questions as cards. Raises: NotFound for what is no question of a project."""
    options = list(codes or ())
    for project_code in {option.rpartition(".")[0] for option in options}:
        projects.project(community_id, project_code)
    return [_card(option) for option in options]


def _card(option: str) -> OptionCard:
    try:
        title = rules.question_of(option)
    except KeyError as error:
        raise NotFound("question") from error
    return OptionCard(option=option, subject=f"project:{option.rpartition('.')[0]}", title=title)


def translated(card: OptionCard) -> OptionCard:
    """A question in the reader's language."""
    return replace(card, title=words.question(card.option))


register_cards_of(PollKind.SATISFACTION_RATING.value, cards)
register_translation(PollKind.SATISFACTION_RATING.value, translated)

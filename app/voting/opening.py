"""What freezes at the opening of a poll: its definition, its electorate, all that the ballot shows.

No database and no clock here. Source: docs/record-format.md, `poll.opened`.
"""

from __future__ import annotations

import hashlib
import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.core import canonical as c
from app.core import clock
from app.voting import rules, words
from app.voting.rules import Method, Rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from app.voting.steps import OptionCard

REFERENCE_LENGTH = 22
_REFERENCE_CHARACTERS = string.ascii_letters + string.digits + "_-"


@dataclass(frozen=True, slots=True)
class Electorate:
    """Who may vote: how many, and the root over their references."""

    heads: int
    voters_root: str

    def as_json(self) -> dict[str, Any]:
        """The electorate as `poll.opened` carries it; areas play no part."""
        return {
            "basis": "household",
            "heads": self.heads,
            "area_c": None,
            "voters_root": self.voters_root,
        }


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, in the form the record carries it."""

    public_id: str
    kind: str
    method: str
    title: str
    rules: dict[str, Any]
    opens_at: datetime
    closes_at: datetime


def new_reference() -> str:
    """A voter's reference: random, of one poll only, so that polls cannot be joined by it."""
    return "".join(secrets.choice(_REFERENCE_CHARACTERS) for _ in range(REFERENCE_LENGTH))


def electorate_of(references: Iterable[str]) -> Electorate:
    """The electorate made of these references."""
    leaves = sorted(c.canonical({"voter": ref, "weight": None}) for ref in references)
    return Electorate(len(leaves), c.tree_root(map(c.leaf_hash, leaves)).hex())


def definition(
    question: Question,
    options: Sequence[dict[str, Any]],
    cards: Sequence[OptionCard],
    electorate: Electorate,
    text: dict[str, Any],
) -> dict[str, Any]:
    """The data of `poll.opened`: everything a recount needs."""
    return {
        "poll": question.public_id,
        "kind": question.kind,
        "method": question.method,
        "secrecy": "named",
        "title": question.title,
        "projects": sorted(_projects(cards)),
        "options": list(options),
        "rules": question.rules,
        "opens_at": clock.to_record(question.opens_at),
        "closes_at": clock.to_record(question.closes_at),
        "electorate": electorate.as_json(),
        "text_sha256": hashlib.sha256(c.canonical(text)).hexdigest(),
    }


def _projects(cards: Sequence[OptionCard]) -> set[str]:
    """The projects that are asked about; a text that is voted on is none."""
    subjects = (card.subject.partition(":") for card in cards)
    return {code for room, _colon, code in subjects if room == "project"}


def options_json(method: Method, cards: Sequence[OptionCard]) -> list[dict[str, Any]]:
    """The options as the record names them: the three answers, or the projects with their cost."""
    if method is Method.YES_NO:
        return [{"id": name, "title": words.option_name(name, {})} for name in rules.YES_NO_OPTIONS]
    return [_option(card) for card in cards]


def _option(card: OptionCard) -> dict[str, Any]:
    option: dict[str, Any] = {"id": card.option, "title": card.title}
    return option if card.cost_fen is None else {**option, "cost_fen": card.cost_fen}


def ballot_text(
    question: Question, explanation: str, cards: Sequence[OptionCard], heads: int
) -> dict[str, Any]:
    """Everything the ballot shows beside the question: `polls/<id>.text.json` of an export.

    Pages show an opened poll from this alone, so that nobody can be shown anything else.
    """
    asked: Rules = rules.rules_from_json(question.rules)
    return {
        "kind": words.kind_name(question.kind),
        "effect": words.legal_effect(question.kind),
        "explanation": explanation,
        "who": words.who_votes(),
        "rules": words.rules_in_words(question.method, asked, heads),
        "cards": [card.as_json() for card in cards],
    }

"""A version of the convention as what a residents' meeting votes on, household by household.

Registered with voting, which knows of no convention. The card carries the whole text and its hash:
they freeze with the poll, so that what was voted on can be read in its export for ever.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.conventions import queries, rules
from app.conventions.words import class_name
from app.core.errors import NotFound, RuleBroken
from app.voting.rules import PollKind
from app.voting.steps import OptionCard, register_cards_of, register_check, register_translation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.conventions.queries import VersionView

KIND = PollKind.MEETING_RESOLUTION
# The label of an article as it was frozen: its number and its class.
LABEL = re.compile(r"第 (\d+) 条 · (\S+)")
SUMMARY = re.compile(r"居民公约第 (\d+) 版，共 (\d+) 条。.*")


def cards(community_id: int, codes: Sequence[str] | None) -> list[OptionCard]:
    """The named versions as cards; None gives the one that waits for its vote. Raises: NotFound."""
    if codes is None:
        found = queries.proposed(community_id)
        return [_card(found)] if found and rules.may_vote(found.state) else []
    return [_card(_version(community_id, code)) for code in codes]


def check(community_id: int, codes: Sequence[str]) -> None:
    """Refuse a vote on a text that can still change, was adopted already, or is being voted on.

    Two votes at once would let the desk choose the one that suits. Whoever opens holds the log, so
    of two that open at the same time the second sees the first.
    Raises: NotFound; RuleBroken convention.not_to_vote, convention.vote_runs.
    """
    for code in codes:
        version = _version(community_id, code)
        rules.check_votable(version.state)
        if queries.vote_runs(queries.polls_on(community_id, version.number)):
            raise RuleBroken("convention.vote_runs")


def _version(community_id: int, code: str) -> VersionView:
    number = rules.number_of(code)
    if number is None:
        raise NotFound("convention")
    return queries.version(community_id, number)


def _card(version: VersionView) -> OptionCard:
    subject = rules.subject_of(version.number)
    opening = [(_("前言"), version.preamble)]
    articles = [
        (_label(str(article.number), article.kind.value), article.text)
        for article in version.articles
    ]
    return OptionCard(
        option=subject,
        subject=subject,
        title=version.title,
        summary=_summary(str(version.number), str(len(version.articles))),
        facts=(*opening, *articles),
        text_sha256=version.text_sha256,
    )


def _label(number: str, kind: str) -> str:
    return _("第 %(number)s 条 · %(kind)s", number=number, kind=class_name(kind))


def _summary(number: str, count: str) -> str:
    return _(
        "居民公约第 %(number)s 版，共 %(count)s 条。公约是居民自己商量定的规矩；"
        "通过以后报街道备案，再公布施行。",
        number=number,
        count=count,
    )


def translated(card: OptionCard) -> OptionCard:
    """The fixed words of a frozen card in the reader's language; the text stays as adopted."""
    told = SUMMARY.fullmatch(card.summary)
    facts = tuple((_translated_label(label), text) for label, text in card.facts)
    return replace(card, summary=_summary(*told.groups()) if told else card.summary, facts=facts)


def _translated_label(label: str) -> str:
    found = LABEL.fullmatch(label)
    return _label(*found.groups()) if found else _(label)


register_cards_of(KIND.value, cards)
register_check(KIND.value, check)
register_translation(KIND.value, translated)

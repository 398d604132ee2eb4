"""Reads of polls, as frozen values. An opened poll is read from what was frozen, nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select

from app.communities.addresses import address_short
from app.communities.models import Building, Estate, Household
from app.communities.queries import residences as on_the_roll
from app.communities.settings import publication_days
from app.core import canonical as c
from app.core import clock
from app.core.db import db
from app.core.errors import NotFound
from app.core.times import is_chinese
from app.people.models import Membership
from app.voting import opening, proxies, rules, steps, words
from app.voting.models import Ballot, Poll, PollOption, PollVoter
from app.voting.rules import Choice, Method, Phase, PollKind, PollState, Rules, ShareTest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from app.core.actor import Home
    from app.voting.steps import OptionCard
    from app.voting.words import TestLine


@dataclass(frozen=True, slots=True)
class PollCard:
    """A poll in a list. `turnout` and `heads` are households; `voted_at` is the reader's own."""

    public_id: str
    title: str
    kind: str
    phase: Phase
    opens_at: datetime
    closes_at: datetime
    publication_until: datetime | None
    heads: int
    turnout: int
    outcome: str
    may_vote: bool
    voted_at: datetime | None

    @property
    def decided(self) -> bool:
        """Whether there is a result to see."""
        return self.phase in {Phase.CLOSED, Phase.PUBLISHED, Phase.FINAL}


@dataclass(frozen=True, slots=True)
class PollView:
    """A poll as its pages show it: the question and all that the ballot says about it.

    `original` is the frozen Chinese behind a translation, line by line; empty for Chinese readers.
    """

    public_id: str
    title: str
    kind: str
    method: Method
    phase: Phase
    opens_at: datetime
    closes_at: datetime
    heads: int
    turnout: int
    version: int
    kind_name: str
    effect: str
    explanation: str
    who: str
    rules_in_words: tuple[str, ...]
    cards: tuple[OptionCard, ...]
    options: tuple[tuple[str, str], ...]
    rules: Rules
    opened_at: datetime | None
    closed_at: datetime | None
    published_at: datetime | None
    publication_until: datetime | None
    final_at: datetime | None
    original: tuple[str, ...] = ()

    @property
    def rates(self) -> bool:
        """Whether it asks how finished work is liked."""
        return self.method is Method.SCORE

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the options by their ids."""
        return dict(self.options)

    @property
    def decided(self) -> bool:
        """Whether there is a result to see."""
        return self.phase in {Phase.CLOSED, Phase.PUBLISHED, Phase.FINAL}


@dataclass(frozen=True, slots=True)
class BallotView:
    """A poll before one member of a household.

    `choice` and `check_code` are of the member's own newest ballot, else None: nobody else sees
    them. `cast_at` is the household's, whoever cast; `by_proxy`: a holder of its authority.
    """

    poll: PollView
    address: str
    may_vote: bool
    other_member: bool
    version: int
    cast_at: datetime | None
    late_logged: bool
    choice: Choice | None
    check_code: str
    by_proxy: bool = False

    @property
    def left_behind(self) -> bool:
        """Whether the household's ballot is of somebody who is no longer in it."""
        return self.version > 0 and self.choice is None and not self.other_member


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One option of a result, with votes in households."""

    option: str
    title: str
    votes: int
    cost_fen: int | None
    won: bool
    tied: bool
    raters: int | None = None


@dataclass(frozen=True, slots=True)
class ResultView:
    """A closed poll: the outcome in one sentence, the tests with their numbers, the votes.

    `needed` is the number of votes for yes that was asked for, for the line in the chart.
    `by_channel` is None where a group would be between 1 and 19 households.
    """

    poll: PollView
    outcome: str
    sentence: str
    tests: tuple[TestLine, ...]
    rows: tuple[ResultRow, ...]
    blank: int | None
    turnout: int
    by_channel: dict[str, int] | None
    needed: int | None


@dataclass(frozen=True, slots=True)
class DraftView:
    """A draft with all its fields, for the form."""

    public_id: str
    title: str
    explanation: str
    method: Method
    projects: tuple[str, ...]
    rules: Rules
    opens_at: datetime
    closes_at: datetime
    state: PollState
    kind: PollKind


# Counted when somebody looks: a counter would make every ballot write one row more.
TURNOUT = (
    select(func.count())
    .where(
        PollVoter.community_id == Poll.community_id,
        PollVoter.poll_id == Poll.id,
        PollVoter.version > 0,
    )
    .correlate(Poll)
    .scalar_subquery()
    .label("live_turnout")
)
_LIST = (
    Poll.public_id,
    Poll.title,
    Poll.kind,
    Poll.state,
    Poll.opens_at,
    Poll.closes_at,
    Poll.publication_until,
    Poll.heads,
    TURNOUT,
    Poll.result,
)
_POLL = (
    Poll.id,
    Poll.public_id,
    Poll.title,
    Poll.kind,
    Poll.method,
    Poll.state,
    Poll.explanation,
    Poll.rules,
    Poll.opens_at,
    Poll.closes_at,
    Poll.heads,
    TURNOUT,
    Poll.version,
    Poll.definition,
    Poll.ballot_text,
    Poll.opened_at,
    Poll.closed_at,
    Poll.published_at,
    Poll.publication_until,
    Poll.final_at,
    Poll.result,
    Poll.turnout,
)


def poll_cards(community_id: int, home: Home | None = None) -> list[PollCard]:
    """Every poll of a community, drafts too, the latest closing first; in one statement."""
    household_id = home.household_id if home else None
    rows = db.session.execute(
        select(
            *_LIST,
            PollVoter.id.label("voter_id"),
            PollVoter.cast_at,
            Household.moved_out_at,
        )
        .outerjoin(
            Household,
            (Household.community_id == Poll.community_id) & (Household.id == household_id),
        )
        .outerjoin(
            PollVoter,
            (PollVoter.community_id == Poll.community_id)
            & (PollVoter.poll_id == Poll.id)
            & (PollVoter.household_id == household_id),
        )
        .where(Poll.community_id == community_id)
        .order_by(Poll.closes_at.desc(), Poll.id.desc())
    )
    now = clock.now()
    return [_card(row, now) for row in rows]


def _card(row: Row[Any], now: datetime) -> PollCard:
    phase = rules.phase_at(PollState(row.state), row.closes_at, now)
    # A ballot that still counts is the household's, whoever lives there; an old one is not told to
    # the next family.
    moved = row.cast_at and row.moved_out_at and row.cast_at <= row.moved_out_at
    return PollCard(
        public_id=row.public_id,
        title=row.title,
        kind=row.kind,
        phase=phase,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        publication_until=row.publication_until,
        heads=row.heads,
        turnout=row.live_turnout,
        outcome=(row.result or {}).get("outcome", ""),
        may_vote=row.voter_id is not None,
        voted_at=None if moved and phase is not Phase.OPEN else row.cast_at,
    )


def poll_view(community_id: int, public_id: str) -> PollView:
    """A poll that somebody beyond the desk may see: waiting for its time, open or later.

    Raises: NotFound, also for drafts and for polls of other communities.
    """
    return _view(_row(community_id, public_id), clock.now())


def _row(community_id: int, public_id: str) -> Row[Any]:
    row = db.session.execute(
        select(*_POLL).where(
            Poll.community_id == community_id,
            Poll.public_id == public_id,
            Poll.state != PollState.DRAFT.value,
        )
    ).first()
    if row is None:
        raise NotFound("poll")
    return row


def _view(row: Row[Any], now: datetime) -> PollView:
    text: dict[str, Any] = row.ballot_text or _no_text(row.kind)
    definition: dict[str, Any] = row.definition or {"options": []}
    poll = _frozen_view(row, text, definition, now)
    return poll if is_chinese() else _translated(poll, frozen=row.opened_at is not None)


def _translated(poll: PollView, *, frozen: bool) -> PollView:
    """The poll for a reader of another language, with the frozen Chinese that counts beside it."""
    cards = tuple(steps.translated(poll.kind, card) for card in poll.cards)
    titles = {card.option: card.title for card in cards}
    return replace(
        poll,
        kind_name=words.kind_name(poll.kind),
        effect=words.legal_effect(poll.kind),
        who=words.who_votes(),
        rules_in_words=_rules(poll) if poll.rules_in_words else (),
        cards=cards,
        options=tuple(
            (option, words.option_name(option, {**titles, option: titles.get(option, title)}))
            for option, title in poll.options
        ),
        original=(poll.kind_name, poll.effect, poll.who, *poll.rules_in_words) if frozen else (),
    )


def _rules(poll: PollView) -> tuple[str, ...]:
    return tuple(words.rules_in_words(poll.method, poll.rules, poll.heads))


def _frozen_view(
    row: Row[Any], text: dict[str, Any], definition: dict[str, Any], now: datetime
) -> PollView:
    return PollView(
        public_id=row.public_id,
        title=row.title,
        kind=row.kind,
        method=Method(row.method),
        phase=rules.phase_at(PollState(row.state), row.closes_at, now),
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        heads=row.heads,
        turnout=row.live_turnout,
        version=row.version,
        kind_name=text["kind"],
        effect=text["effect"],
        explanation=text["explanation"],
        who=text["who"],
        rules_in_words=tuple(text["rules"]),
        cards=tuple(map(steps.card_from_json, text["cards"])),
        options=tuple((option["id"], option["title"]) for option in definition["options"]),
        rules=rules.rules_from_json(row.rules),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        published_at=row.published_at,
        publication_until=row.publication_until,
        final_at=row.final_at,
    )


def _no_text(kind: str) -> dict[str, Any]:
    """What can be said of a poll whose text is not frozen yet: next to nothing."""
    return {
        "kind": words.kind_name(kind),
        "effect": words.legal_effect(kind),
        "explanation": "",
        "who": words.who_votes(),
        "rules": (),
        "cards": (),
    }


def ballot_view(community_id: int, public_id: str, home: Home, person_id: int) -> BallotView:
    """The poll, the household's place in it, the member's own ballot: in one statement.

    Raises: NotFound.
    """
    known = {
        "community_id": community_id,
        "public_id": public_id,
        "household_id": home.household_id,
        "person_id": person_id,
    }
    row = db.session.execute(_BALLOT_PAGE, known).first()
    if row is None:
        raise NotFound("poll")
    return BallotView(
        poll=_view(row, clock.now()),
        address=address_short(row.estate, row.building, row.stairwell, row.room),
        may_vote=row.voter_id is not None,
        # Whoever cast and is out of the household by now leaves the ballot to those who are in.
        other_member=bool(row.caster_in or proxies.stands(row)) and row.cast_by != person_id,
        version=row.voter_version or 0,
        cast_at=row.cast_at,
        late_logged=bool(row.late_logged),
        choice=None if row.choice is None else json.loads(row.choice),
        check_code="" if row.leaf is None else c.check_code(bytes.fromhex(row.leaf)),
        by_proxy=proxies.stands(row),
    )


# The rush asks this; putting the statement together would cost more than running it.
_BALLOT_PAGE = (
    select(
        *_POLL,
        PollVoter.id.label("voter_id"),
        PollVoter.cast_by,
        Membership.id.label("caster_in"),
        PollVoter.cast_at,
        PollVoter.version.label("voter_version"),
        PollVoter.late_logged,
        PollVoter.by_proxy,
        Household.moved_out_at,
        Ballot.choice,
        Ballot.leaf,
        Estate.name.label("estate"),
        Building.name.label("building"),
        Household.stairwell,
        Household.room,
    )
    .join(
        Household,
        (Household.community_id == Poll.community_id) & (Household.id == bindparam("household_id")),
    )
    .join(Building, Building.id == Household.building_id)
    .join(Estate, Estate.id == Building.estate_id)
    .outerjoin(
        PollVoter,
        (PollVoter.community_id == Poll.community_id)
        & (PollVoter.poll_id == Poll.id)
        & (PollVoter.household_id == bindparam("household_id")),
    )
    .outerjoin(
        Membership,
        (Membership.community_id == Poll.community_id)
        & (Membership.household_id == bindparam("household_id"))
        & (Membership.person_id == PollVoter.cast_by)
        & Membership.ended_at.is_(None),
    )
    .outerjoin(
        Ballot,
        (Ballot.community_id == Poll.community_id)
        & (Ballot.poll_id == Poll.id)
        & (Ballot.voter_id == PollVoter.id)
        & (Ballot.version == PollVoter.version)
        & (Ballot.person_id == bindparam("person_id")),
    )
    .where(
        Poll.community_id == bindparam("community_id"),
        Poll.public_id == bindparam("public_id"),
        Poll.state != PollState.DRAFT.value,
    )
)


def result_view(community_id: int, public_id: str) -> ResultView:
    """The result of a closed poll, as `poll.closed` tells it; in one statement.

    Raises: NotFound, also while there is no result.
    """
    row = _row(community_id, public_id)
    if row.result is None:
        raise NotFound("result")
    poll, result, turnout = _view(row, clock.now()), row.result, row.turnout
    project = poll.cards[0].title if poll.method is Method.YES_NO else ""
    project = poll.title if poll.method is Method.SCORE else project
    counted = {**result, "participants": turnout["total"]}
    return ResultView(
        poll=poll,
        outcome=result["outcome"],
        sentence=words.outcome_sentence(result["outcome"], result, poll.titles, project),
        tests=tuple(words.test_lines(row.method, poll.rules, counted, row.heads)),
        rows=_result_rows(poll, result),
        blank=result.get("blank"),
        turnout=turnout["total"],
        by_channel=turnout["by_channel"],
        needed=_needed(poll, result, turnout["total"]),
    )


def _result_rows(poll: PollView, result: dict[str, Any]) -> tuple[ResultRow, ...]:
    costs = {card.option: card.cost_fen for card in poll.cards}
    rows = [
        ResultRow(
            option=option,
            title=title,
            votes=result["counts"][option],
            cost_fen=costs.get(option),
            won=option in result.get("winners", ()),
            tied=option in result.get("tied", ()),
            raters=result["raters"][option] if "raters" in result else None,
        )
        for option, title in poll.options
    ]
    if poll.method is not Method.CHOOSE:
        return tuple(rows)
    return tuple(sorted(rows, key=lambda row: (-row.votes, row.option)))


def _needed(poll: PollView, result: dict[str, Any], total: int) -> int | None:
    """How many votes the first test of agreement asked for."""
    if not poll.rules.agreement:
        return None
    counts = result["counts"]
    bases = {
        "electorate": poll.heads,
        "participants": total,
        "yes_no": counts.get("yes", 0) + counts.get("no", 0),
    }
    test: ShareTest = poll.rules.agreement[0]
    return test.needed(bases[test.of])


def counted_choices(community_id: int, public_id: str) -> list[Choice]:
    """The choices that count in a closed poll, without any voter. Raises: NotFound before that."""
    poll = _row(community_id, public_id)
    if poll.result is None:
        raise NotFound("result")
    rows = db.session.scalars(
        select(Ballot.choice)
        .join(
            PollVoter,
            (PollVoter.id == Ballot.voter_id) & (PollVoter.version == Ballot.version),
        )
        .where(Ballot.community_id == community_id, Ballot.poll_id == poll.id)
    )
    return [json.loads(choice) for choice in rows]


# --- for the desk ------------------------------------------------------------------------------


def draft_view(community_id: int, public_id: str) -> DraftView:
    """A draft's fields. Raises: NotFound."""
    row = db.session.execute(
        select(*_POLL).where(Poll.community_id == community_id, Poll.public_id == public_id)
    ).first()
    if row is None:
        raise NotFound("poll")
    return DraftView(
        public_id=row.public_id,
        title=row.title,
        explanation=row.explanation,
        method=Method(row.method),
        projects=tuple(_codes(community_id, row.id)),
        rules=rules.rules_from_json(row.rules),
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        state=PollState(row.state),
        kind=PollKind(row.kind),
    )


def _codes(community_id: int, poll_id: int) -> Sequence[str]:
    return db.session.scalars(
        select(PollOption.option)
        .where(PollOption.community_id == community_id, PollOption.poll_id == poll_id)
        .order_by(PollOption.position)
    ).all()


def desk_view(community_id: int, public_id: str) -> PollView:
    """A poll as residents see it, and a draft as they will. Raises: NotFound."""
    row = db.session.execute(
        select(*_POLL).where(Poll.community_id == community_id, Poll.public_id == public_id)
    ).first()
    if row is None:
        raise NotFound("poll")
    if row.ballot_text is not None:
        return _view(row, clock.now())
    return _preview(community_id, row)


def _preview(community_id: int, row: Row[Any]) -> PollView:
    """A draft with the cards and the roll as they are now; the opening does the same for good."""
    cards = steps.cards(community_id, _codes(community_id, row.id), row.kind)
    heads = residences(community_id)
    question = opening.Question(
        row.public_id,
        row.kind,
        row.method,
        row.title,
        row.rules,
        row.opens_at,
        row.closes_at,
    )
    frozen = {
        **row._mapping,  # noqa: SLF001 -- the documented way to read a row by name
        "heads": heads,
        "ballot_text": opening.ballot_text(question, row.explanation, cards, heads),
        "definition": {"options": opening.options_json(Method(row.method), cards)},
    }
    return _view(_Frozen(frozen), clock.now())  # type: ignore[arg-type]


class _Frozen:
    """A row with some of its values replaced."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)


def residences(community_id: int) -> int:
    """How many households of the roll would have a ballot today."""
    return (
        db.session.scalar(select(func.count(Household.id)).where(*on_the_roll(community_id))) or 0
    )


def publication_would_end(community_id: int) -> datetime:
    """When a publication period would end that began now."""
    return rules.publication_until(clock.now(), publication_days(community_id))


def waits_for(community_id: int, public_id: str, planned: datetime) -> bool:
    """Whether a poll still waits to be opened at exactly this moment."""
    row = db.session.execute(
        select(Poll.state, Poll.opens_at).where(
            Poll.community_id == community_id, Poll.public_id == public_id
        )
    ).first()
    return row is not None and row.state == PollState.SCHEDULED and row.opens_at == planned

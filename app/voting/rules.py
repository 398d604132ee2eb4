"""The rules of polls by household. Pure: no database, no words; `now` is an argument.

Shares are compared by integer products; no float takes part in a decision.
Source: docs/rules.md, "Facility polls" and "Residents' meeting by household"; "rules" in
docs/record-format.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from app.core import clock
from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TITLE_LENGTH = 120
MOST_OPTIONS = 30
SHORTEST = timedelta(hours=1)
LONGEST = timedelta(days=60)
LARGEST_DENOMINATOR = 1000
SMALL_CELL = 20
# A rating goes from 非常不满意 to 非常满意 in five steps, shown as 0, 25, 50, 75, 100.
LOWEST, HIGHEST = 0, 4
NONE_OF_THEM = "none"
YES_NO_OPTIONS = ("yes", "no", "abstain")
# What all these polls have in common; a poll with anything else is not counted by this code.
FIXED = {
    "precedence": "first_channel",
    "tie": "declare",
    "silence": "none",
}
PARTICIPATION_BASES: tuple[str, ...] = ("electorate",)
COMPARISONS = (">=", ">")


class PollKind(StrEnum):
    """The four different legal acts that people call voting."""

    PREFERENCE_POLL = "preference_poll"
    MEETING_RESOLUTION = "meeting_resolution"
    OWNERS_JOINT_DECISION = "owners_joint_decision"
    SATISFACTION_RATING = "satisfaction_rating"


class Method(StrEnum):
    """How a ballot is filled in."""

    YES_NO = "yes_no"
    CHOOSE = "choose"
    SCORE = "score"

    @property
    def agreement_bases(self) -> tuple[str, ...]:
        """What a share of agreement can be a share of; yes + no exists for `yes_no` alone."""
        both = ("participants", "electorate")
        return (*both, "yes_no") if self is Method.YES_NO else both


class PollState(StrEnum):
    """How far a poll has come. Everything freezes on the way from scheduled or draft to open."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    OPEN = "open"
    CLOSED = "closed"
    PUBLISHED = "published"
    FINAL = "final"


class Phase(StrEnum):
    """What a poll is now, whether or not the worker has come round yet."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    OPEN = "open"
    COUNTING = "counting"
    CLOSED = "closed"
    PUBLISHED = "published"
    FINAL = "final"


class Outcome(StrEnum):
    """What a poll came to."""

    NO_QUORUM = "no_quorum"
    PASSED = "passed"
    REJECTED = "rejected"
    DECIDED = "decided"
    TIE = "tie"


class Effect(StrEnum):
    """Whether a poll informs or decides, as the record tells it."""

    ADVISORY = "advisory"
    BINDING = "binding"


KINDS = {
    Method.YES_NO: (PollKind.PREFERENCE_POLL, PollKind.MEETING_RESOLUTION),
    Method.CHOOSE: (PollKind.PREFERENCE_POLL,),
    Method.SCORE: (PollKind.SATISFACTION_RATING,),
}
# A choice as the record carries it: an option, several of them, or a score for each.
Choice = str | list[str] | dict[str, int]


@dataclass(frozen=True, slots=True)
class ShareTest:
    """x·den cmp num·base, in heads. Fails when the base is 0."""

    of: str
    num: int
    den: int
    cmp: str

    def holds(self, count: int, base: int) -> bool:
        """Whether `count` out of `base` meets the share."""
        if base == 0:
            return False
        left, right = count * self.den, self.num * base
        return left >= right if self.cmp == ">=" else left > right

    def needed(self, base: int) -> int:
        """The smallest whole number that meets the share of `base`."""
        exact, rest = divmod(self.num * base, self.den)
        return exact if rest == 0 and self.cmp == ">=" else exact + 1

    def as_json(self) -> dict[str, Any]:
        """The test as the record carries it."""
        return {
            "unit": "heads",
            "of": self.of,
            "num": self.num,
            "den": self.den,
            "cmp": self.cmp,
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything a recount needs beyond the ballots.

    `k` and `seats` belong to `choose` alone, `lowest` and `highest` to `score`.
    """

    participation: tuple[ShareTest, ...]
    agreement: tuple[ShareTest, ...]
    k: int | None = None
    seats: int | None = None
    scope: str = "community"
    matter: str = "facility_project"
    lowest: int | None = None
    highest: int | None = None
    effect: str = Effect.ADVISORY

    def as_json(self) -> dict[str, Any]:
        """The `rules` object of `poll.opened`."""
        whole: dict[str, Any] = {
            "scope": self.scope,
            "matter": self.matter,
            "effect": str(self.effect),
            **FIXED,
            "participation": [test.as_json() for test in self.participation],
            "agreement": [test.as_json() for test in self.agreement],
        }
        if self.k is not None:
            whole |= {"k": self.k, "seats": self.seats}
        if self.highest is not None:
            whole |= {"min": self.lowest, "max": self.highest}
        return whole


def rules_from_json(stored: Mapping[str, Any]) -> Rules:
    """The rules a draft or a record holds.

    Raises: ValueError for rules that this code does not count by (areas, silence as agreement, a
    rule that breaks ties): a wrong count is worse than none.
    """
    strange = {key: stored.get(key) for key, value in FIXED.items() if stored.get(key) != value}
    if stored.get("effect") not in set(Effect):
        strange["effect"] = stored.get("effect")
    if strange:
        raise ValueError(f"cannot count by {strange}")
    return Rules(
        participation=tuple(map(_test, stored["participation"])),
        agreement=tuple(map(_test, stored["agreement"])),
        k=stored.get("k"),
        seats=stored.get("seats"),
        scope=stored["scope"],
        matter=stored["matter"],
        lowest=stored.get("min"),
        highest=stored.get("max"),
        effect=stored["effect"],
    )


def _test(stored: Mapping[str, Any]) -> ShareTest:
    if stored["unit"] != "heads" or stored["cmp"] not in COMPARISONS:
        raise ValueError(f"cannot count by {dict(stored)}")
    return ShareTest(stored["of"], stored["num"], stored["den"], stored["cmp"])


def default_rules(method: Method, options: int = 0) -> Rules:
    """What the drafting page offers: a third takes part, more than half of them agree.

    For `choose`, up to three may be named and one wins; no share of agreement is asked. A rating
    asks for no share at all: it decides nothing.
    """
    third = ShareTest("electorate", 1, 3, ">=")
    if method is Method.SCORE:
        return Rules((), (), matter="facility_rating", lowest=LOWEST, highest=HIGHEST)
    if method is Method.YES_NO:
        return Rules((third,), (ShareTest("participants", 1, 2, ">"),))
    return Rules((third,), (), k=min(3, max(options, 1)), seats=1)


def meeting_rules(matter: str) -> Rules:
    """What a residents' meeting of one from each household asks, and no desk may lower.

    More than half take part, more than half of those agree. Source: Organic Law of Urban Residents
    Committees (2025 revision), art. 27; docs/rules.md, "Residents' meeting by household".
    """
    return Rules(
        (ShareTest("electorate", 1, 2, ">"),),
        (ShareTest("participants", 1, 2, ">"),),
        matter=matter,
        effect=Effect.BINDING,
    )


@dataclass(frozen=True, slots=True)
class Draft:
    """What a draft says, as far as rules look at it."""

    title: str
    method: Method
    options: tuple[str, ...]
    rules: Rules
    opens_at: datetime
    closes_at: datetime
    kind: PollKind = PollKind.PREFERENCE_POLL


def draft_problems(draft: Draft, now: datetime | None = None) -> list[str]:
    """Codes of everything that keeps a draft from being opened; empty when nothing does.

    `now` is given by whoever opens the poll, which must happen before it closes.
    Source: docs/rules.md, "Drafting".
    """
    checks = (*_text_checks(draft), *_time_checks(draft, now), *_method_checks(draft))
    return [code for bad, code in checks if bad]


def _text_checks(draft: Draft) -> tuple[tuple[bool, str], ...]:
    rules = draft.rules
    shares = [(test, PARTICIPATION_BASES) for test in rules.participation]
    shares += [(test, draft.method.agreement_bases) for test in rules.agreement]
    return (
        (draft.kind not in KINDS[draft.method], "draft.kind_not_offered"),
        (not _fits_kind(draft.kind, rules), "draft.not_the_law"),
        (not draft.title.strip(), "draft.no_title"),
        (len(draft.title) > TITLE_LENGTH, "draft.title_long"),
        (len(set(draft.options)) != len(draft.options), "draft.option_twice"),
        (NONE_OF_THEM in draft.options, "draft.option_reserved"),
        (any(not _sound(test, bases) for test, bases in shares), "draft.bad_share"),
    )


def _fits_kind(kind: PollKind, asked: Rules) -> bool:
    """A meeting decides by the law's own shares; whatever else is asked here only informs."""
    if kind is PollKind.MEETING_RESOLUTION:
        return asked == meeting_rules(asked.matter)
    return asked.effect == Effect.ADVISORY


def _time_checks(draft: Draft, now: datetime | None) -> tuple[tuple[bool, str], ...]:
    lasts = draft.closes_at - draft.opens_at
    return (
        (lasts < SHORTEST, "draft.too_short"),
        (lasts > LONGEST, "draft.too_long"),
        # The record knows whole seconds: the deadline it tells must be the one that was kept.
        (draft.closes_at.microsecond != 0, "draft.closes_uneven"),
        (now is not None and is_late(now, draft.closes_at), "draft.over"),
    )


def _sound(test: ShareTest, bases: Sequence[str]) -> bool:
    return (
        1 <= test.num <= test.den <= LARGEST_DENOMINATOR
        and test.cmp in COMPARISONS
        and test.of in bases
        # More than the whole can never be met.
        and not (test.num == test.den and test.cmp == ">")
    )


def _method_checks(draft: Draft) -> tuple[tuple[bool, str], ...]:
    rules, count = draft.rules, len(draft.options)
    if draft.method is Method.SCORE:
        return (
            (not 1 <= count <= MOST_OPTIONS, "draft.options_number"),
            (rules.k is not None, "draft.bad_k"),
            (rules.seats is not None, "draft.bad_seats"),
            ((rules.lowest, rules.highest) != (LOWEST, HIGHEST), "draft.bad_scale"),
            (bool(rules.participation or rules.agreement), "draft.bad_share"),
        )
    if draft.method is Method.YES_NO:
        return (
            (count != 1, "draft.one_project"),
            (not rules.agreement, "draft.no_agreement"),
            (rules.k is not None, "draft.bad_k"),
            (rules.seats is not None, "draft.bad_seats"),
        )
    return (
        (not 2 <= count <= MOST_OPTIONS, "draft.options_number"),  # noqa: PLR2004 -- a choice
        (rules.k is None or not 1 <= rules.k <= max(count, 1), "draft.bad_k"),
        (
            rules.seats is None or not 1 <= rules.seats <= max(count, 1),
            "draft.bad_seats",
        ),
    )


def ballot_options(method: Method, options: Sequence[str]) -> tuple[str, ...]:
    """The option ids of the record: yes, no, abstain for `yes_no`, else the projects'."""
    return YES_NO_OPTIONS if method is Method.YES_NO else tuple(options)


def check_choice(
    method: Method, options: Sequence[str], k: int | None, submitted: Sequence[str]
) -> Choice:
    """The choice as the record carries it.

    For `score` each submitted value is `id=score`, and options may be left out. For `choose`,
    均不同意 is the value "none" and becomes the empty list; ids come back sorted, since their
    order means nothing. Raises: RuleBroken ballot.*.
    """
    if not submitted:
        raise RuleBroken("ballot.nothing_chosen")
    if method is Method.YES_NO:
        return _one_of(submitted, YES_NO_OPTIONS)
    if method is Method.SCORE:
        return _scores_of(submitted, options)
    return _some_of(submitted, options, k or 1)


def _one_of(submitted: Sequence[str], options: Sequence[str]) -> str:
    if len(submitted) > 1:
        raise RuleBroken("ballot.too_many", k=1, chosen=len(submitted))
    if submitted[0] not in options:
        raise RuleBroken("ballot.unknown_option")
    return submitted[0]


def _scores_of(submitted: Sequence[str], options: Sequence[str]) -> dict[str, int]:
    scores: dict[str, int] = {}
    for given in submitted:
        option, _sign, score = given.rpartition("=")
        if option not in options or score not in map(str, range(LOWEST, HIGHEST + 1)):
            raise RuleBroken("ballot.unknown_option")
        if option in scores:
            raise RuleBroken("ballot.duplicate")
        scores[option] = int(score)
    return scores


def _some_of(submitted: Sequence[str], options: Sequence[str], k: int) -> list[str]:
    if NONE_OF_THEM in submitted:
        if len(submitted) > 1:
            raise RuleBroken("ballot.none_and_some")
        return []
    if len(set(submitted)) != len(submitted):
        raise RuleBroken("ballot.duplicate")
    if not set(submitted) <= set(options):
        raise RuleBroken("ballot.unknown_option")
    if len(submitted) > k:
        raise RuleBroken("ballot.too_many", k=k, chosen=len(submitted))
    return sorted(submitted)


def phase_at(state: PollState, closes_at: datetime, now: datetime) -> Phase:
    """What a poll is at `now`: never open after its time because a worker was late."""
    if state is PollState.OPEN and now >= closes_at:
        return Phase.COUNTING
    return Phase(state.value)


def hour_of(moment: datetime) -> datetime:
    """The hour the record tells of a ballot, in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def is_late(now: datetime, closes_at: datetime) -> bool:
    """Whether a ballot at `now` comes too late: the closing moment itself is late."""
    return now >= closes_at


def clock_stepped_back(now: datetime, last_at: datetime | None) -> bool:
    """Whether the clock stands more than 60 s before the log's latest entry."""
    return last_at is not None and now < last_at - timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Tally:
    """A poll's result, as `poll.closed` carries it."""

    method: Method
    counts: dict[str, int]
    tests: tuple[bool, ...]
    outcome: Outcome
    winners: tuple[str, ...] = ()
    tied: tuple[str, ...] = ()
    blank: int = 0
    participants: int = 0
    raters: dict[str, int] | None = None

    def as_json(self) -> dict[str, Any]:
        """The `result` object of `poll.closed`."""
        result: dict[str, Any] = {
            "counts": self.counts,
            "tests": list(self.tests),
            "outcome": self.outcome.value,
        }
        if self.method is not Method.YES_NO:
            result |= {
                "winners": sorted(self.winners),
                "tied": sorted(self.tied),
                "blank": self.blank,
            }
        if self.raters is not None:
            result["raters"] = self.raters
        return result


def tally(
    method: Method,
    rules: Rules,
    options: Sequence[str],
    choices: Iterable[Choice],
    heads: int,
) -> Tally:
    """Decide a poll from the choices that count, one of each voter.

    `heads` is the electorate. Everyone whose ballot counts takes part, abstentions and empty
    ballots too. An abstention counts for participation and for `participants`, not for `yes_no`.
    Raises: ValueError if more ballots than heads are given, or a ballot that no form could give.
    Source: docs/rules.md, "Counting".
    """
    if method is Method.YES_NO:
        return _yes_no(rules, list(choices), heads)
    if method is Method.SCORE:
        return _score(options, list(choices), heads)
    return _choose(rules, options, list(choices), heads)


def _check_number(ballots: int, heads: int) -> None:
    if ballots > heads:
        raise ValueError(f"{ballots} ballots for {heads} voters")


def _refuse_unless(sound: bool) -> None:  # noqa: FBT001 -- reads as a sentence
    """Stop a count rather than leave a ballot out: somebody reached around the forms."""
    if not sound:
        raise ValueError("a stored choice is none of those offered")


def _could_be_chosen(choice: object, options: Sequence[str], k: int) -> bool:
    if not isinstance(choice, list) or len(choice) > k:
        return False
    return len(set(choice)) == len(choice) and set(choice) <= set(options)


def _yes_no(rules: Rules, choices: list[Any], heads: int) -> Tally:
    _check_number(len(choices), heads)
    for choice in choices:
        _refuse_unless(choice in YES_NO_OPTIONS)
    found = Counter(choices)
    counts = {option: found[option] for option in YES_NO_OPTIONS}
    bases = {
        "electorate": heads,
        "participants": len(choices),
        "yes_no": counts["yes"] + counts["no"],
    }
    took_part = [t.holds(len(choices), bases[t.of]) for t in rules.participation]
    agreed = [t.holds(counts["yes"], bases[t.of]) for t in rules.agreement]
    if not all(took_part):
        outcome = Outcome.NO_QUORUM
    else:
        outcome = Outcome.PASSED if all(agreed) else Outcome.REJECTED
    return Tally(Method.YES_NO, counts, (*took_part, *agreed), outcome, participants=len(choices))


def _score(options: Sequence[str], choices: list[Any], heads: int) -> Tally:
    """Add up each option's scores, and count who gave one; a rating has no winners."""
    _check_number(len(choices), heads)
    for choice in choices:
        _refuse_unless(_could_be_scored(choice, options))
    counts = {option: sum(choice.get(option, 0) for choice in choices) for option in options}
    raters = {option: sum(option in choice for choice in choices) for option in options}
    blank = sum(1 for choice in choices if not choice)
    total = len(choices)
    return Tally(Method.SCORE, counts, (), Outcome.DECIDED, (), (), blank, total, raters)


def _could_be_scored(choice: object, options: Sequence[str]) -> bool:
    if not isinstance(choice, dict) or not set(choice) <= set(options):
        return False
    return all(type(score) is int and LOWEST <= score <= HIGHEST for score in choice.values())


def _choose(rules: Rules, options: Sequence[str], choices: list[Any], heads: int) -> Tally:
    _check_number(len(choices), heads)
    for choice in choices:
        _refuse_unless(_could_be_chosen(choice, options, rules.k or 1))
    found = Counter(option for choice in choices for option in choice)
    counts = {option: found[option] for option in options}
    bases = {"electorate": heads, "participants": len(choices)}
    took_part = tuple(t.holds(len(choices), bases[t.of]) for t in rules.participation)
    blank = sum(1 for choice in choices if not choice)
    if not all(took_part):
        winners: tuple[str, ...] = ()
        tied: tuple[str, ...] = ()
        outcome = Outcome.NO_QUORUM
    else:
        able = {
            option: votes
            for option, votes in counts.items()
            if votes and all(t.holds(votes, bases[t.of]) for t in rules.agreement)
        }
        winners, tied = _seated(able, rules.seats or 1)
        outcome = Outcome.TIE if tied else Outcome.DECIDED
    return Tally(Method.CHOOSE, counts, took_part, outcome, winners, tied, blank, len(choices))


def _seated(able: Mapping[str, int], seats: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those above the last seat, and all that are equal where it cannot be told who has it."""
    order = sorted(able, key=lambda option: (-able[option], option))
    if len(order) <= seats:
        return tuple(sorted(order)), ()
    edge = able[order[seats - 1]]
    if able[order[seats]] != edge:
        return tuple(sorted(order[:seats])), ()
    above = tuple(sorted(option for option in order if able[option] > edge))
    return above, tuple(sorted(option for option in order if able[option] == edge))


def turnout_json(by_channel: Mapping[str, int]) -> dict[str, Any]:
    """`turnout` of `poll.closed`; channels are left out where a cell would be between 1 and 19."""
    small = any(0 < count < SMALL_CELL for count in by_channel.values())
    return {
        "total": sum(by_channel.values()),
        "by_channel": None if small else dict(by_channel),
    }


def publication_until(published_at: datetime, days: int) -> datetime:
    """When a publication period of so many whole days ends, in UTC.

    The day of publication is not counted and the last day ends at 24:00 in China, so that the
    period never has fewer than `days` full days. Raises: ValueError for less than one day.
    Source: docs/rules.md, "Publication".
    """
    if days < 1:
        raise ValueError(f"a publication period of {days} days")
    last = clock.local(published_at) + timedelta(days=days + 1)
    return clock.at_local(last.year, last.month, last.day)

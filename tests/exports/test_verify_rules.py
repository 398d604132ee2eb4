"""The verifier against archives made from scratch by somebody who read the same text."""

from __future__ import annotations

import base64
import copy
import importlib.util
import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.exports.archive_builder import (
    Builder,
    Files,
    Json,
    Poll,
    at,
    canon,
    lines_of,
    mended,
    packed,
    root,
    rule,
    sha,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = Path(__file__).parents[2] / "app" / "exports" / "verify_record.py"


def load() -> Any:
    """Load the file as an outsider has it: alone, without the portal around it."""
    spec = importlib.util.spec_from_file_location("outside_verifier", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


verifier = load()


def check(files: Files) -> Any:
    return verifier.verify(packed(files))


def said(report: Any) -> str:
    return "\n".join(report.lines())


def good(files: Files) -> str:
    report = check(files)
    assert report.exit_code == 0, said(report)
    return said(report)


def wrong(files: Files, words: str) -> None:
    report = check(files)
    found = "\n".join(report.problems)
    assert report.exit_code == 1, said(report)
    assert words in found, found


# ---------------------------------------------------------------------------------------------
# Archives that are in order
# ---------------------------------------------------------------------------------------------

YES = {"counts": {"yes": 5, "no": 2, "abstain": 1}, "tests": [True, True], "outcome": "passed"}


def simple(**rules: Json) -> tuple[Builder, Poll]:
    """One poll: 8 of 24 voters, one of whom changed from no to yes."""
    made = Builder()
    poll = made.open(**rules)
    for voter, choice in enumerate(["yes"] * 4 + ["no"] * 3 + ["abstain"]):
        made.cast(poll, voter, choice)
    made.cast(poll, 6, "yes", at(3, 11))
    return made, poll


def closed() -> tuple[Builder, Poll]:
    made, poll = simple()
    made.close(poll, copy.deepcopy(YES))
    made.publish(poll, result=copy.deepcopy(YES))
    return made, poll


def chosen(made: Builder, poll: Poll, choices: list[Json]) -> None:
    for voter, choice in enumerate(choices):
        made.cast(poll, voter, choice)


def ranked(counts: Json, winners: Json, tied: Json = (), **more: Json) -> Json:
    outcome = "tie" if tied else "decided"
    whole = {"counts": counts, "tests": [True], "outcome": outcome}
    return whole | {"winners": list(winners), "tied": list(tied)} | more


AREAS = [5000 + 100 * number for number in range(24)]
BY_AREA = {
    "participation": [
        rule(num=2, den=3, cmp=">="),
        rule(num=2, den=3, cmp=">=", unit="area"),
    ],
    "agreement": [rule("participants"), rule("participants", unit="area")],
    "silence": "majority",
}


def owners(*, restricted: bool) -> tuple[Builder, Poll]:
    """24 owners: 9 yes, 4 no, 1 abstains, 6 silent were served (从多), 4 were not."""
    made = Builder()
    poll = made.open(areas=AREAS, show_areas=restricted, ident="owners", **BY_AREA)
    for voter, choice in enumerate(["yes"] * 9 + ["no"] * 4 + ["abstain"]):
        channel = "paper" if voter == 3 else "phone"
        made.cast(poll, voter, choice, channel=channel, show_channel=restricted)
    silent = list(range(14, 20))
    area = {
        "electorate": sum(AREAS),
        "yes": sum(AREAS[:9]) + sum(AREAS[14:20]),
        "no": sum(AREAS[9:13]),
        "abstain": AREAS[13],
    }
    made.close(
        poll,
        {
            "counts": {"yes": 15, "no": 4, "abstain": 1},
            "tests": [True] * 4,
            "outcome": "passed",
            "area": area,
        },
        silent=silent,
    )
    return made, poll


def everything() -> Builder:
    """Every method and every turn a poll can take, in one log."""
    made = Builder(seed=5)
    abc = ("A", "B", "C")
    polls = {
        "plain": made.open(ident="plain"),
        "single": made.open("single", "single", abc),
        "choose": made.open("choose", "choose", abc, k=2, seats=1, tie="lot"),
        "score": made.open("score", "score", abc, min=-2, max=5, seats=1),
        "budget": made.open(
            "budget", "budget", abc, costs=(60, 50, 30), budget_fen=100, ballot_within_budget=True
        ),
        "secret": made.open("choose", "secret", abc, secrecy="secret", k=2, seats=2),
        "early": made.open(ident="early", participation=[rule(num=1, den=2)]),
        "annulled": made.open(ident="annulled"),
        "erased": made.open("single", "erased", abc),
        "running": made.open(ident="running", closes_at=at(28, 18)),
    }
    chosen(made, polls["plain"], ["yes"] * 4 + ["no"] * 2)
    made.logged(polls["plain"], 0, "second_channel")
    made.logged(polls["plain"], None, "invalid")
    made.two("poll.extended", polls["plain"], at(8, 9), closes_at=at(8, 20))
    chosen(made, polls["single"], ["A", "B", "A", "C", "B", "A"])
    chosen(made, polls["choose"], [["A", "B"], ["B", "A"], ["C"], [], ["A", "B"], ["C"]])
    chosen(made, polls["score"], [{"A": 5, "B": -2}, {"A": -1, "C": 3}, {}, {"C": 0}] * 2)
    chosen(made, polls["budget"], [["A"], ["A"], ["B", "C"], ["B", "C"], ["A"], []])
    for voter in range(3):
        made.cast(polls["early"], voter, "yes")
    made.two("poll.ended_early", polls["early"], at(3, 9), closes_at=at(3, 12))
    made.cast(polls["annulled"], 0, "yes")
    made.two("poll.annulled", polls["annulled"], at(4, 9))
    chosen(made, polls["erased"], ["A"] * 4 + ["B"] * 2)
    made.cast(polls["running"], 3, "no", at(5, 9))
    yes_no = {"yes": 3, "no": 0, "abstain": 0}
    made.close(
        polls["early"],
        {"counts": yes_no, "tests": [False, True], "outcome": "no_quorum"},
        at(8, 17, 59, 30),
    )
    made.close(polls["single"], ranked({"A": 3, "B": 2, "C": 1}, ["A"]), at(8, 18))
    tie = ranked({"A": 3, "B": 3, "C": 2}, [], ["A", "B"], blank=1)
    made.close(polls["choose"], tie)
    sums, raters = {"A": 8, "B": -4, "C": 6}, {"A": 4, "B": 2, "C": 4}
    made.close(polls["score"], ranked(sums, ["A"], blank=2, raters=raters))
    made.close(polls["budget"], ranked({"A": 3, "B": 2, "C": 2}, ["A", "C"], blank=1))
    paper = {"ballots": 3, "blank": 1, "totals": {"A": 2, "C": 1}}
    made.batch(polls["secret"], [["A"], ["A", "B"], [], ["C"]], paper)
    counts = {"A": 4, "B": 1, "C": 2}
    made.close(polls["secret"], ranked(counts, ["A", "C"], blank=2), total=7)
    made.close(polls["erased"], ranked({"A": 4, "B": 2, "C": 0}, ["A"]))
    made.logged(polls["plain"], 9, "late", at(8, 20))
    result = {"counts": {"yes": 4, "no": 2, "abstain": 0}}
    result |= {"tests": [True, True], "outcome": "passed"}
    made.entry("tie.resolved", {"poll": "choose", "rule": "lot", "winners": ["B"]}, at(8, 19))
    made.close(polls["plain"], result, at(8, 20))
    made.publish(polls["plain"], result=result)
    made.entry("openings.erased", {"poll": "erased"}, at(28))
    for entry in polls["erased"].last.values():
        entry["_open"]["choice"][2] = False
    made.entry("post.hidden", {"why": "rude"}, at(28), subject="post:7")
    made.two("poll.annulled", polls["single"], at(29))
    return made


def test_every_method_and_turn_is_counted_again_and_agrees() -> None:
    words = good(everything().files())
    assert words.count("重数一致") == 7
    assert "推算一致" in words
    assert "annulled" in words
    assert "still open" in words


def test_limits_are_said() -> None:
    words = good(closed()[0].files())
    assert "--keys" in words
    assert "--checkpoint" in words
    assert "channels are not opened" in words


def test_areas_are_counted_from_the_restricted_export_and_believed_from_the_public_one() -> None:
    words = good(owners(restricted=True)[0].files())
    assert "restricted export" in words
    assert "stated sums" not in words
    assert "stated sums" in good(owners(restricted=False)[0].files())


def test_a_log_without_entries_is_in_order() -> None:
    good(Builder().files())


def test_an_empty_secret_poll_is_in_order() -> None:
    made = Builder()
    poll = made.open("single", options=("A", "B"), secrecy="secret")
    made.batch(poll, [])
    result = {"counts": {"A": 0, "B": 0}, "tests": [False], "outcome": "no_quorum"}
    made.close(poll, result | {"winners": [], "tied": []}, total=0)
    good(made.files())


def test_unknown_kinds_and_keys_are_accepted() -> None:
    made, poll = closed()
    made.entry("result.discussed", {"forum": 3}, at(25), subject="forum:3")
    made.entry("objection.answered", {"poll": poll.ident, "more": [None, True]}, at(25))
    for entry in made.entries:
        entry["later"] = {"a": 1}
        entry["data"]["later"] = "x"
    files = made.files()
    files["openings.jsonl"] = files["openings.jsonl"].replace(b'{"name"', b'{"more":1,"name"')
    good(mended(files))


def test_note_extension_lines_and_other_signatures_are_accepted() -> None:
    made, _ = closed()
    made.extensions[len(made.entries)] = "one more line\n"
    files = made.files()
    name = f"checkpoints/{len(made.entries):010d}.txt"
    foreign = base64.b64encode(b"abcd" + b"x" * 64)
    files[name] += "— witness.example ".encode() + foreign + b"\n"
    good(mended(files))


def test_by_channel_is_stated_where_no_cell_is_small() -> None:
    made = Builder()
    poll = made.open(heads=40)
    chosen(made, poll, ["yes"] * 30)
    result = {"counts": {"yes": 30, "no": 0, "abstain": 0}}
    result |= {"tests": [True, True], "outcome": "passed"}
    close = made.close(poll, result, by_channel={"paper": 0, "phone": 30})
    good(made.files())
    close["data"]["turnout"]["by_channel"] = {"paper": 1, "phone": 29}
    wrong(made.files(), "cell of 1 to 19")
    close["data"]["turnout"]["by_channel"] = {"paper": 0, "phone": 31}
    wrong(made.files(), "by_channel is not")


def test_a_late_phone_ballot_does_not_count_where_channels_are_open() -> None:
    made, poll = simple()
    for entry in poll.last.values():
        entry["_open"]["channel"][2] = True
    late = made.cast(poll, 12, "yes", at(8, 18), show_channel=True)
    made.close(poll, copy.deepcopy(YES), total=8)
    good(made.files())
    late["_open"]["channel"][2] = False
    wrong(made.files(), "turnout is 9, stated 8")


def test_a_late_ballot_of_unknown_channel_counts_and_is_mentioned() -> None:
    made, poll = simple()
    made.cast(poll, 12, "yes", at(8, 18))
    result = copy.deepcopy(YES) | {"counts": {"yes": 6, "no": 2, "abstain": 1}}
    made.close(poll, result)
    assert "not before closes_at" in good(made.files())


# ---------------------------------------------------------------------------------------------
# Counting: figures by hand
# ---------------------------------------------------------------------------------------------


def counted(method: str, options: tuple[str, ...], choices: list[Json], **more: Json) -> Any:
    """Count a poll whose stated result is empty; give what the verifier itself computes."""
    made = Builder()
    rules = {"participation": []} | more
    poll = made.open(method, options=options, **rules)
    chosen(made, poll, choices)
    made.close(poll, {})
    report = check(made.files())
    found = {}
    for line in report.problems:
        key, _, rest = line.rpartition(" / ")[2].partition(" is ")
        if ", stated -" in rest:
            found[key] = json.loads(rest.partition(", stated -")[0])
    return found


@pytest.mark.parametrize(
    ("cmp", "num", "den", "outcome"),
    [(">", 1, 2, "rejected"), (">=", 1, 2, "passed"), (">", 499, 1000, "passed")],
)
def test_equal_votes_fail_more_than_half_and_meet_at_least_half(
    cmp: str, num: int, den: int, outcome: str
) -> None:
    test = rule("yes_no", num, den, cmp)
    found = counted("yes_no", ("yes", "no", "abstain"), ["yes", "no", "abstain"], agreement=[test])
    assert found["outcome"] == outcome


def test_a_test_against_nobody_fails() -> None:
    test = rule("yes_no", 0, 1, ">=")
    found = counted("yes_no", ("yes", "no", "abstain"), ["abstain"], agreement=[test])
    assert found["tests"] == [False]
    assert found["outcome"] == "rejected"


@pytest.mark.parametrize(
    ("seats", "winners", "tied"),
    [(1, ["A"], []), (2, ["A"], ["B", "C"]), (3, ["A", "B", "C"], []), (4, ["A", "B", "C"], [])],
)
def test_a_tie_at_the_last_seat_is_declared(seats: int, winners: Json, tied: Json) -> None:
    choices = [["A", "B"], ["A", "C"], ["A"]]
    found = counted("choose", ("A", "B", "C", "D"), choices, k=2, seats=seats)
    assert (found["winners"], found["tied"]) == (winners, tied)
    assert found["outcome"] == ("tie" if tied else "decided")


def test_an_option_below_the_agreement_wins_nothing() -> None:
    choices = [["A", "B"], ["A"], ["A", "B"], ["C"]]
    agreement = [rule("participants")]
    found = counted("choose", ("A", "B", "C"), choices, k=2, seats=2, agreement=agreement)
    assert found["winners"] == ["A"]
    assert found["counts"] == {"A": 3, "B": 2, "C": 1}


def test_no_quorum_has_no_winners() -> None:
    few = [rule(num=1, den=2)]
    found = counted("single", ("A", "B"), ["A", "A", "B"], participation=few)
    assert (found["outcome"], found["winners"], found["tied"]) == ("no_quorum", [], [])


def test_scores_without_seats_have_sums_and_no_winner() -> None:
    found = counted("score", ("A", "B"), [{"A": 2}, {"A": 1, "B": 3}, {}], min=0, max=5)
    assert found["counts"] == {"A": 3, "B": 3}
    assert found["raters"] == {"A": 2, "B": 1}
    assert (found["blank"], found["winners"], found["tied"]) == (1, [], [])


@pytest.mark.parametrize(
    ("budget", "winners", "tied"),
    [
        (100, ["A"], ["B", "C"]),  # 40 left: B and C cost 30 each
        (130, ["A", "B", "C"], []),  # D costs 20 and does not fit
        (140, ["A", "B", "C", "D"], []),
        (85, ["A", "D"], []),  # 25 left: B and C are left out, D follows
        (50, ["D"], ["B", "C"]),
    ],
)
def test_a_budget_is_filled_by_votes_downwards(budget: int, winners: Json, tied: Json) -> None:
    costs = (60, 30, 30, 20)
    choices = [["A"], ["A"], ["A"], ["B", "C"], ["B", "C"], ["D"]]
    found = counted("budget", ("A", "B", "C", "D"), choices, costs=costs, budget_fen=budget)
    if budget == 50:  # Counting stops at the tie, so that D is not reached.
        winners = []
    assert (found["winners"], found["tied"]) == (winners, tied)


def test_the_silent_join_neither_side_when_both_are_equal() -> None:
    made = Builder()
    agreement = [rule("participants", 1, 2, ">=")]
    poll = made.open(silence="majority", agreement=agreement)
    chosen(made, poll, ["yes", "no"])
    result = {"counts": {"yes": 1, "no": 1, "abstain": 0}, "outcome": "rejected"}
    # Ten participants of 24 meet a quarter; one yes is not half of ten.
    made.close(poll, result | {"tests": [True, False]}, silent=list(range(10, 18)))
    good(made.files())


# ---------------------------------------------------------------------------------------------
# What somebody with the true key could write, and must not
# ---------------------------------------------------------------------------------------------


def entry_of(made: Builder, kind: str, number: int = 0) -> Json:
    return [entry for entry in made.entries if entry["kind"] == kind][number]


def put(made: Builder, kind: str, **changes: Json) -> None:
    entry_of(made, kind)["data"].update(changes)


def put_rules(made: Builder, **changes: Json) -> None:
    entry_of(made, "poll.opened")["data"]["rules"].update(changes)


def put_result(made: Builder, **changes: Json) -> None:
    entry_of(made, "poll.closed")["data"]["result"].update(changes)


def move(made: Builder, kind: str, where: int, number: int = 0) -> None:
    entry = entry_of(made, kind, number)
    made.entries.remove(entry)
    made.entries.insert(where, entry)


def stranger(made: Builder, _poll: Poll) -> None:
    made.entries[1]["data"]["voter"] = made.reference()


def show(made: Builder, number: int, name: str) -> None:
    made.entries[number]["_open"][name][2] = True


def no_choice(made: Builder, _poll: Poll) -> None:
    made.entries[1]["_open"]["choice"][2] = False


def replace_choice(made: Builder, value: Json) -> None:
    """A choice committed to, opened and counted, but not allowed."""
    salt, made.entries[1]["private"]["choice"] = made.commit(value)
    made.entries[1]["_open"]["choice"] = [salt, value, True]


def early_close(made: Builder, _poll: Poll) -> None:
    entry_of(made, "poll.closed")["at"] = at(8, 17, 59, 59)


def option(made: Builder, **changes: Json) -> None:
    entry_of(made, "poll.opened")["data"]["options"][0].update(changes)


def electorate(made: Builder, **changes: Json) -> None:
    entry_of(made, "poll.opened")["data"]["electorate"].update(changes)


def insert(made: Builder, where: int, _entry: Json) -> None:
    made.entries.insert(where, made.entries.pop())


def no_shadow(made: Builder, **keys: Json) -> None:
    made.entries[3].update(keys)


ENTRY_RULES: dict[str, tuple[Callable[[Builder, Poll], Any], str]] = {
    # form
    "v": (lambda m, p: no_shadow(m, v=2), "v is not valid"),
    "v true": (lambda m, p: no_shadow(m, v=True), "v is not valid"),
    "log": (lambda m, p: no_shadow(m, log="OTHER"), "log is OTHER"),
    "gap": (lambda m, p: no_shadow(m, seq=9), "seq is 9, must be 3"),
    "prev": (lambda m, p: no_shadow(m, prev="0" * 64), "chain breaks"),
    "no kind": (lambda m, p: m.entries[3].pop("kind"), "lacks kind"),
    "kind": (lambda m, p: no_shadow(m, kind=""), "kind is not valid"),
    "actor_c": (lambda m, p: no_shadow(m, actor_c="AB" * 32), "actor_c is not valid"),
    "private": (lambda m, p: no_shadow(m, private={"a": "b"}), "private is not valid"),
    "data": (lambda m, p: no_shadow(m, data=[]), "data is not valid"),
    "at": (lambda m, p: no_shadow(m, at="2026-02-30T10:00:00Z"), "at is not a time"),
    "zone": (lambda m, p: no_shadow(m, at="2026-05-02T10:00:00+00:00"), "at is not a time"),
    "minutes": (lambda m, p: no_shadow(m, at=at(2, 10, 30)), "rounded down to the hour"),
    "checkin": (
        lambda m, p: m.entry("checkin.made", {}, at(25, 1, 1), subject="x:1"),
        "rounded down",
    ),
    "large": (lambda m, p: m.entry("x", {"n": 2**53}, at(25), subject="x:1"), "beyond"),
    "subject": (lambda m, p: no_shadow(m, subject="poll:other"), "subject must be"),
    # opening
    "kind of poll": (
        lambda m, p: m.entries[0]["data"].update(kind="party"),
        "poll.opened: kind is not valid",
    ),
    "secrecy": (lambda m, p: put(m, "poll.opened", secrecy="half"), "secrecy is not valid"),
    "title": (lambda m, p: put(m, "poll.opened", title=""), "title is not valid"),
    "projects": (
        lambda m, p: put(m, "poll.opened", projects=["P2", "P1"]),
        "projects is not valid",
    ),
    "text hash": (lambda m, p: put(m, "poll.opened", text_sha256="0" * 64), "text_sha256"),
    "text": (lambda m, p: p.text.update(intro="changed"), "text_sha256"),
    "opens_at": (lambda m, p: put(m, "poll.opened", opens_at=at(1, 8, 1)), "before opens_at"),
    "closes_at": (lambda m, p: put(m, "poll.opened", closes_at=at(1, 8)), "before closes_at"),
    "poll id": (lambda m, p: put(m, "poll.opened", poll="a/b"), "data.poll is not valid"),
    "twice": (lambda m, p: m.entries.insert(1, copy.deepcopy(m.entries[0])), "opened before"),
    "option": (lambda m, p: option(m, id="no"), "same id"),
    "cost": (lambda m, p: option(m, cost_fen=-1), "cost_fen is not valid"),
    "yes_no options": (lambda m, p: option(m, id="maybe"), "must be yes, no and abstain"),
    "heads": (lambda m, p: electorate(m, heads=25), "has 24 voters"),
    "root": (lambda m, p: electorate(m, voters_root="0" * 64), "voters_root"),
    "basis": (lambda m, p: electorate(m, basis="street"), "basis is not valid"),
    "area": (lambda m, p: electorate(m, area_c="0" * 64), "area_c is not valid"),
    "effect": (lambda m, p: put_rules(m, effect="maybe"), "rules.effect"),
    "precedence": (lambda m, p: put_rules(m, precedence="paper"), "rules.precedence"),
    "scope": (lambda m, p: put_rules(m, scope=None), "rules.scope"),
    "silence": (lambda m, p: put_rules(m, silence="all"), "rules.silence"),
    "no agreement": (lambda m, p: put_rules(m, agreement=[]), "at least one agreement"),
    "den": (lambda m, p: put_rules(m, participation=[rule(den=0)]), "den is not valid"),
    "float": (lambda m, p: put_rules(m, participation=[rule(num=0.5)]), "float"),  # type: ignore[arg-type]
    "of": (lambda m, p: put_rules(m, participation=[rule("participants")]), "of is not valid"),
    "cmp": (lambda m, p: put_rules(m, agreement=[rule("yes_no", cmp="=")]), "cmp is not valid"),
    "leaf": (lambda m, p: p.leaves[0].update(name="王"), "exactly {voter, weight}"),
    "weight": (lambda m, p: p.leaves[0].update(weight="0" * 64), "weight is not valid"),
    "voter": (lambda m, p: p.leaves[0].update(voter="short"), "voter is not valid"),
    "double": (lambda m, p: p.leaves.append(dict(p.leaves[0])), "there twice"),
    # ballots
    "stranger": (stranger, "not in the electorate"),
    "before opening": (lambda m, p: move(m, "poll.opened", 1), "never opened"),
    "after closing": (lambda m, p: move(m, "poll.closed", 5), "closed before"),
    "version": (lambda m, p: put(m, "ballot.cast", version=2), "version is 2, must be 1"),
    "version true": (lambda m, p: put(m, "ballot.cast", version=True), "version is true"),
    "two first versions": (
        lambda m, p: m.entries[9]["data"].update(version=1),
        "version is 1, must be 2",
    ),
    "hour": (lambda m, p: no_shadow(m, at=at(1, 7)), "hour lies before"),
    "who": (lambda m, p: no_shadow(m, actor="clerk"), "actor must be voter"),
    "nobody": (lambda m, p: no_shadow(m, actor_c=None), "actor_c is missing"),
    "no channel": (lambda m, p: m.entries[3]["private"].pop("channel"), "private lacks channel"),
    "dropped": (lambda m, p: m.entries.pop(1), "turnout is 7, stated 8"),
    "other poll": (lambda m, p: m.entries[1]["data"].update(poll="none"), "subject must be"),
    # openings
    "unopened": (no_choice, "are not opened (first: seq 1)"),
    "replaced opened": (lambda m, p: show(m, 7, "choice"), "choice of a replaced version"),
    "one channel": (lambda m, p: show(m, 1, "channel"), "channel of only some"),
    "person": (lambda m, p: show(m, 1, "actor_c"), "must never be opened"),
    "salt": (
        lambda m, p: m.entries[1]["_open"]["choice"].__setitem__(0, "0" * 64),
        "do not give the commitment",
    ),
    "value": (
        lambda m, p: m.entries[1]["_open"]["choice"].__setitem__(1, "no"),
        "do not give the commitment",
    ),
    "name": (
        lambda m, p: m.entries[1]["_open"].update(note=["0" * 64, 1, True]),
        "no such commitment",
    ),
    "choice": (lambda m, p: replace_choice(m, "perhaps"), "choice is not valid"),
    "choice list": (lambda m, p: replace_choice(m, ["yes"]), "choice is not valid"),
    # logged
    "reason": (lambda m, p: m.logged(p, 1, "rude", at(25)), "reason is not valid"),
    "kept": (
        lambda m, p: m.logged(p, 1, "invalid", at(25)).update(private={"choice": "0" * 64}),
        "private must be empty",
    ),
    "not late": (
        lambda m, p: insert(m, 9, m.logged(p, 1, "late", at(8, 17))),
        "before the closing hour",
    ),
    "no first": (lambda m, p: m.logged(p, 20, "second_channel", at(25)), "no counted ballot"),
    "no voter": (lambda m, p: m.logged(p, None, "second_channel", at(25)), "no counted ballot"),
    "twice logged": (
        lambda m, p: (m.logged(p, 20, "late", at(25)), m.logged(p, 20, "late", at(26))),
        "there already",
    ),
    "typist": (
        lambda m, p: m.logged(p, 20, "late", at(25)).update(actor="clerk"),
        "actor must be voter",
    ),
    "batch": (lambda m, p: insert(m, 9, m.batch(p, [])), "no such entry in a named poll"),
    # closing
    "early": (early_close, "before closes_at"),
    "second closing": (
        lambda m, p: m.entries.insert(11, copy.deepcopy(entry_of(m, "poll.closed"))),
        "closed before",
    ),
    "behind": (
        lambda m, p: insert(m, 9, m.entry("x", {}, at(8, 18, 1, 6), subject="x:1")),
        "60 s behind",
    ),
    "total": (
        lambda m, p: put(m, "poll.closed", turnout={"total": 9, "by_channel": None}),
        "turnout is 8, stated 9",
    ),
    "silent": (lambda m, p: put(m, "poll.closed", silent=[]), "no silence rule"),
    "counts": (
        lambda m, p: put_result(m, counts={"yes": 6, "no": 1, "abstain": 1}),
        "counts is",
    ),
    "zero left out": (lambda m, p: put_result(m, counts={"yes": 5, "no": 2}), "counts is"),
    "tests": (lambda m, p: put_result(m, tests=[True]), "tests is"),
    "tests as numbers": (lambda m, p: put_result(m, tests=[1, 1]), "tests is"),
    "outcome": (lambda m, p: put_result(m, outcome="rejected"), "outcome is"),
    "winners": (lambda m, p: put_result(m, winners=["yes"]), "has no winners"),
    "later result": (
        lambda m, p: put(m, "result.final", result=YES | {"outcome": "rejected"}),
        "not that of poll.closed",
    ),
    "result before closing": (lambda m, p: move(m, "result.final", 5), "not closed yet"),
    "no tie": (
        lambda m, p: m.entry(
            "tie.resolved", {"poll": "poll1", "rule": "lot", "winners": []}, at(9)
        ),
        "rule is not the one",
    ),
    # times
    "not later": (
        lambda m, p: insert(m, 5, m.two("poll.extended", p, at(2), closes_at=at(8, 17))),
        "not later",
    ),
    "extended too late": (
        lambda m, p: insert(m, 9, m.two("poll.extended", p, at(8, 18), closes_at=at(9, 17))),
        "after the old closes_at",
    ),
    "not earlier": (
        lambda m, p: insert(m, 5, m.two("poll.ended_early", p, at(2), closes_at=at(9))),
        "not earlier",
    ),
    "backdated": (
        lambda m, p: insert(m, 5, m.two("poll.ended_early", p, at(4), closes_at=at(3))),
        "before this entry",
    ),
    "same role": (
        lambda m, p: m.two("poll.annulled", p, at(25), second="clerk"),
        "same role",
    ),
    "no reason": (lambda m, p: m.two("poll.annulled", p, at(25), reason=None), "reason is not"),
    "no second": (
        lambda m, p: m.two("poll.annulled", p, at(25)).update(private={}),
        "private lacks second",
    ),
    "second opened": (
        lambda m, p: m.two("poll.annulled", p, at(25))["_open"]["second"].__setitem__(2, True),
        "must never be opened",
    ),
    "annulled first": (
        lambda m, p: insert(m, 5, m.two("poll.annulled", p, at(2))),
        "was annulled before",
    ),
    "annulled twice": (
        lambda m, p: (m.two("poll.annulled", p, at(25)), m.two("poll.annulled", p, at(26))),
        "was annulled before",
    ),
    "erased early": (
        lambda m, p: insert(m, 5, m.entry("openings.erased", {"poll": "poll1"}, at(2))),
        "before the poll has ended",
    ),
    # checkpoints
    "no checkpoint in between": (
        lambda m, p: m.without_sizes.update({1, 10}),
        "no checkpoint covers the opening",
    ),
    "no last checkpoint": (
        lambda m, p: m.without_sizes.add(len(m.entries)),
        "no checkpoint covers all",
    ),
    "origin": (lambda m, p: setattr(m, "host", ""), "the origin is not"),
    "key name": (lambda m, p: setattr(m, "host", "two words"), "name is not valid"),
}


@pytest.mark.parametrize("name", ENTRY_RULES)
def test_a_rule_broken_with_the_true_key_is_found(name: str) -> None:
    made, poll = closed()
    change, words = ENTRY_RULES[name]
    change(made, poll)
    wrong(made.files(), words)


def rebuilt(change: Callable[[Builder], Any]) -> Files:
    made = everything()
    change(made)
    return made.files()


def nth(made: Builder, kind: str, poll: str) -> Json:
    return next(e for e in made.entries if e["kind"] == kind and e["data"].get("poll") == poll)


def set_result(made: Builder, poll: str, **changes: Json) -> None:
    nth(made, "poll.closed", poll)["data"]["result"].update(changes)


def set_rules(made: Builder, poll: str, **changes: Json) -> None:
    nth(made, "poll.opened", poll)["data"]["rules"].update(changes)


def set_batch(made: Builder, **changes: Json) -> None:
    nth(made, "ballot.batch", "secret")["data"].update(changes)


def paper(made: Builder, **changes: Json) -> None:
    nth(made, "ballot.batch", "secret")["data"]["paper"].update(changes)


def box(made: Builder) -> list[Json]:
    found = made.polls["secret"].box
    assert found is not None
    return found


def recommit(made: Builder, poll: str, value: Json) -> None:
    entry = nth(made, "ballot.cast", poll)
    salt, entry["private"]["choice"] = made.commit(value)
    entry["_open"]["choice"] = [salt, value, True]


def share_voter(made: Builder) -> None:
    """One voter reference in two polls, roots and ballots in order."""
    one, two = made.polls["plain"], made.polls["running"]
    two.leaves[20]["voter"] = one.voters[20]
    two.opened["data"]["electorate"]["voters_root"] = made.voters_root(two)


def small_secret(made: Builder) -> None:
    poll = made.open("single", "few", ("A", "B"), 19, at(29), secrecy="secret", closes_at=at(30))
    assert poll.ident == "few"


MORE_RULES: dict[str, tuple[Callable[[Builder], Any], str]] = {
    "voter in two polls": (share_voter, "occurs in poll plain too"),
    "secret and small": (small_secret, "at least 20 voters"),
    "k": (lambda m: recommit(m, "choose", ["A", "B", "C"]), "at most 2 allowed"),
    "doubled": (lambda m: recommit(m, "choose", ["A", "A"]), "choice is not valid"),
    "unknown option": (lambda m: recommit(m, "choose", ["Z"]), "choice is not valid"),
    "score too high": (lambda m: recommit(m, "score", {"A": 6}), "choice is not valid"),
    "score true": (lambda m: recommit(m, "score", {"A": True}), "choice is not valid"),
    "over budget": (lambda m: recommit(m, "budget", ["A", "B"]), "cost more than the budget"),
    "no k": (lambda m: set_rules(m, "choose", k=0), "rules.k is not valid"),
    "no seats": (lambda m: set_rules(m, "choose", seats=None), "rules.seats is not valid"),
    "min above max": (lambda m: set_rules(m, "score", min=9), "rules.max is not valid"),
    "no budget": (lambda m: set_rules(m, "budget", budget_fen="1"), "rules.budget_fen"),
    "no cost": (
        lambda m: nth(m, "poll.opened", "budget")["data"]["options"][0].pop("cost_fen"),
        "cost_fen (A)",
    ),
    "area by single": (
        lambda m: set_rules(m, "single", agreement=[rule(unit="area")]),
        "only for yes_no",
    ),
    "silence by single": (lambda m: set_rules(m, "single", silence="majority"), "only for yes_no"),
    "winner": (lambda m: set_result(m, "single", winners=["B"]), "winners is"),
    "tie broken silently": (
        lambda m: set_result(m, "choose", winners=["A"], tied=[], outcome="decided"),
        "tied is",
    ),
    "blank": (lambda m: set_result(m, "choose", blank=2), "blank is 1, stated 2"),
    "blank in single": (lambda m: set_result(m, "single", blank=0), "has no blank"),
    "raters": (lambda m: set_result(m, "score", raters={"A": 4, "B": 2, "C": 3}), "raters is"),
    "erased impossible": (
        lambda m: set_result(m, "erased", counts={"A": 9, "B": 2, "C": 0}),
        "impossible",
    ),
    "erased winner": (lambda m: set_result(m, "erased", winners=["B"]), "winners is"),
    "erasure without an entry": (
        lambda m: m.entries.remove(nth(m, "openings.erased", "erased")),
        "are not opened",
    ),
    "annulled but opened": (
        lambda m: nth(m, "ballot.cast", "annulled")["_open"]["choice"].__setitem__(2, True),
        "not closed",
    ),
    "running but opened": (
        lambda m: nth(m, "ballot.cast", "running")["_open"]["choice"].__setitem__(2, True),
        "not closed",
    ),
    "tie rule": (
        lambda m: nth(m, "tie.resolved", "choose")["data"].update(rule="coin"),
        "rule is not the one",
    ),
    "tie by declaring": (
        lambda m: (
            set_rules(m, "choose", tie="declare"),
            nth(m, "tie.resolved", "choose")["data"].update(rule="declare"),
        ),
        "rule is not the one",
    ),
    "tie winner": (
        lambda m: nth(m, "tie.resolved", "choose")["data"].update(winners=["C"]),
        "not among the tied",
    ),
    "tie seats": (
        lambda m: nth(m, "tie.resolved", "choose")["data"].update(winners=[]),
        "fill exactly the seats",
    ),
    "tie twice": (
        lambda m: m.entries.append(copy.deepcopy(nth(m, "tie.resolved", "choose"))),
        "second time",
    ),
    # secret polls
    "no batch": (
        lambda m: m.entries.remove(nth(m, "ballot.batch", "secret")),
        "without ballot.batch",
    ),
    "two batches": (
        lambda m: m.entries.insert(
            m.entries.index(nth(m, "poll.closed", "secret")),
            copy.deepcopy(nth(m, "ballot.batch", "secret")),
        ),
        "second time",
    ),
    "box lacks one": (lambda m: box(m).pop(), "are not opened"),
    "box twice": (lambda m: box(m).append(dict(box(m)[0])), "or does so twice"),
    "box changed": (lambda m: box(m)[0].update(value=["B"]), "opens no commitment"),
    "box with a row id": (lambda m: box(m)[0].update(id="0" * 64), "whose ballot"),
    "batch unsorted": (
        lambda m: nth(m, "ballot.batch", "secret")["data"]["voters"].reverse(),
        "voters is not valid",
    ),
    "batch of strangers": (
        lambda m: set_batch(m, voters=sorted(m.reference() for _ in range(7))),
        "not in the electorate",
    ),
    "more voters than ballots": (
        lambda m: set_batch(m, voters=sorted(m.polls["secret"].voters[:8])),
        "8 voters but 7 ballots",
    ),
    "paper blank": (lambda m: paper(m, blank=4), "paper.blank"),
    "paper option": (lambda m: paper(m, totals={"Z": 1}), "paper.totals"),
    "paper too many": (lambda m: paper(m, totals={"A": 3}), "paper totals are impossible"),
    "paper changed": (lambda m: paper(m, totals={"B": 2, "C": 1}), "counts is"),
    "named ballot in secret": (
        lambda m: (
            m.cast(m.polls["secret"], 0, ["A"]),
            m.entries.insert(20, m.entries.pop()),
        ),
        "no such entry in a secret poll",
    ),
}


@pytest.mark.parametrize("name", MORE_RULES)
def test_a_rule_of_a_method_broken_is_found(name: str) -> None:
    change, words = MORE_RULES[name]
    wrong(rebuilt(change), words)


OWNER_RULES: dict[str, tuple[Callable[[Builder, Poll], Any], str]] = {
    "one weight": (lambda m, p: p.weights.__setitem__(0, (p.weights[0][0], 1)), "does not open"),  # type: ignore[union-attr,index]
    "no area_c": (lambda m, p: show_not(m), "only one of weights.jsonl"),
    "another sum": (lambda m, p: other_sum(m), "add up to"),
    "silent voted": (
        lambda m, p: put(m, "poll.closed", silent=[p.voters[0]]),
        "listed as silent but has a ballot",
    ),
    "silent left out": (
        lambda m, p: entry_of(m, "poll.closed")["data"].pop("silent"),
        "silent is not valid",
    ),
    "fewer silent": (
        lambda m, p: put(m, "poll.closed", silent=sorted(p.voters[14:19])),
        "counts is",
    ),
    "area": (
        lambda m, p: entry_of(m, "poll.closed")["data"]["result"]["area"].update(yes=1),
        "area is",
    ),
    "no area": (lambda m, p: entry_of(m, "poll.closed")["data"]["result"].pop("area"), "area is"),
    "by channel hidden cell": (
        lambda m, p: put(
            m,
            "poll.closed",
            turnout={"total": 14, "by_channel": {"paper": 0, "phone": 14}},
        ),
        "by_channel",
    ),
}


def show_not(made: Builder) -> None:
    made.entries[0]["_open"]["area_c"][2] = False


def other_sum(made: Builder) -> None:
    salt, made.entries[0]["data"]["electorate"]["area_c"] = made.commit(5)
    made.entries[0]["_open"]["area_c"] = [salt, 5, True]


@pytest.mark.parametrize("name", OWNER_RULES)
def test_a_rule_of_owners_decisions_broken_is_found(name: str) -> None:
    made, poll = owners(restricted=True)
    change, words = OWNER_RULES[name]
    change(made, poll)
    wrong(made.files(), words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"electorate": 10}, "add up to more"),
        ({"abstain": -1}, "area is not valid"),
        ({"yes": 1}, "tests is"),
    ],
)
def test_stated_areas_are_looked_over(change: Json, words: str) -> None:
    made, _ = owners(restricted=False)
    entry_of(made, "poll.closed")["data"]["result"]["area"].update(change)
    wrong(made.files(), words)


# ---------------------------------------------------------------------------------------------
# What somebody without the key could do
# ---------------------------------------------------------------------------------------------

UNCHECKED = {"README.txt", "tables/polls.csv"}  # only their hashes count, by the format


@pytest.fixture(scope="module")
def whole() -> Files:
    return everything().files()


def flipped(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def test_every_flipped_bit_is_noticed(whole: Files) -> None:
    dice = random.Random(3)
    for name in whole:
        for _ in range(1 if "/" in name else 4):
            report = check(whole | {name: flipped(whole[name], dice)})
            assert report.exit_code == 1, (name, said(report))


def test_every_flipped_bit_is_noticed_with_a_mended_manifest(whole: Files) -> None:
    dice = random.Random(4)
    for name in sorted(set(whole) - UNCHECKED - {"manifest.json"}):
        for _ in range(12 if name.endswith("s.jsonl") and "/" not in name else 3):
            files = mended(whole | {name: flipped(whole[name], dice)})
            report = check(files)
            assert report.exit_code == 1, (name, said(report))


LINES: dict[str, Callable[[list[bytes], int], list[bytes]]] = {
    "drop": lambda lines, n: lines[:n] + lines[n + 1 :],
    "twice": lambda lines, n: [*lines[: n + 1], *lines[n:]],
    "swap": lambda lines, n: [*lines[:n], *lines[n : n + 2][::-1], *lines[n + 2 :]],
    "empty": lambda lines, n: [*lines[:n], b"", *lines[n:]],
    "foreign": lambda lines, n: [*lines[:n], b"{}", *lines[n:]],
    "space": lambda lines, n: [*lines[:n], lines[n][:-1] + b" }", *lines[n + 1 :]],
}


@pytest.mark.parametrize("how", LINES)
def test_lines_changed_with_a_mended_manifest_are_noticed(whole: Files, how: str) -> None:
    dice = random.Random(how)
    for name in [n for n in whole if n.endswith(".jsonl")]:
        # The box is shuffled on purpose, and openings need not be canonical JSON.
        if (how == "swap" and "box" in name) or (how == "space" and not is_hashed(name)):
            continue
        lines = whole[name].split(b"\n")[:-1]
        for _ in range(2):
            changed = LINES[how](lines, dice.randrange(len(lines) - 1))
            report = check(mended(whole | {name: lines_of(changed)}))
            assert report.exit_code == 1, (name, how, said(report))


def is_hashed(name: str) -> bool:
    return name == "entries.jsonl" or name.endswith("voters.jsonl")


def test_every_missing_file_is_noticed(whole: Files) -> None:
    for name in whole:
        files = {other: data for other, data in whole.items() if other != name}
        if "/" not in name:
            assert check(files).exit_code == 1, name
        if name not in UNCHECKED | {"manifest.json"} and name not in spare(whole):
            assert check(mended(files)).exit_code == 1, name


def spare(whole: Files) -> set[str]:
    """Checkpoints that no rule asks for: the log and the polls are covered by others."""
    names = sorted(name for name in whole if name.startswith("checkpoints/"))
    return set(names[:-1])


def test_an_extra_file_is_noticed(whole: Files) -> None:
    wrong(whole | {"extra.txt": b"x"}, "extra.txt")
    wrong(mended(whole | {"polls/none.json": b"{}"}), "no such poll")
    wrong(mended(whole | {"polls/plain.box.jsonl": b""}), "only a closed secret poll")
    wrong(mended(whole | {"polls/plain.weights.jsonl": b""}), "no test is by area")
    wrong(mended(whole | {"checkpoints/x.txt": b""}), "form of a signed note")


def test_the_verifier_says_where(whole: Files) -> None:
    lines = whole["entries.jsonl"].split(b"\n")
    lines[14] = lines[14].replace(b'"version":1', b'"version":2')
    files = mended(whole | {"entries.jsonl": b"\n".join(lines)})
    found = check(files).problems
    assert any("line 15 (seq 14)" in line and "version" in line for line in found)
    assert any("line 16 (seq 15)" in line and "chain breaks" in line for line in found)
    assert any("checkpoints/" in line and "signed one" in line for line in found)


def test_a_log_signed_by_another_key_is_found_by_the_true_key(tmp_path: Path) -> None:
    made, other = closed()[0], Builder(seed=9)
    keys = tmp_path / "keys.json"
    keys.write_bytes(made.keys())
    made.key = other.key
    archive = tmp_path / "record.zip"
    archive.write_bytes(packed(made.files()).read())
    assert verifier.main([str(archive)]) == 0
    assert verifier.main([str(archive), "--keys", str(keys)]) == 1


def test_two_origins_in_one_log_are_noticed() -> None:
    made, _ = closed()
    files, made.host = made.files(), "elsewhere.example"
    more = made.files()
    files["checkpoints/0000000001.txt"] = more["checkpoints/0000000001.txt"]
    files["keys.json"] = canon(json.loads(files["keys.json"]) + json.loads(more["keys.json"]))
    wrong(mended(files), "origin differs")


NOTES: dict[str, tuple[Callable[[str], str], str]] = {
    "size": (lambda t: t.replace("\n1\n", "\n2\n"), "does not fit the size"),
    "zero": (lambda t: t.replace("\n1\n", "\n01\n"), "size is not valid"),
    "root": (lambda t: t.replace("=", "A", 1), "root is not valid"),
    "hyphen": (lambda t: t.replace("—", "-"), "signature line"),
    "unsigned": (lambda t: t.partition("— ")[0], "form of a signed note"),
    "name": (lambda t: t.replace("— record", "— recorder"), "no signature by a known key"),
    "windows": (lambda t: t.replace("\n", "\r\n"), "control characters"),
}


@pytest.mark.parametrize("name", NOTES)
def test_a_note_of_another_form_is_noticed(whole: Files, name: str) -> None:
    change, words = NOTES[name]
    path = "checkpoints/0000000001.txt"
    text = change(whole[path].decode())
    wrong(mended(whole | {path: text.encode()}), words)


# ---------------------------------------------------------------------------------------------
# Outside checkpoints, the command, hostile archives
# ---------------------------------------------------------------------------------------------


def saved(tmp_path: Path, files: Files) -> str:
    path = tmp_path / "record.zip"
    path.write_bytes(packed(files).read())
    return str(path)


def test_an_older_checkpoint_from_outside_must_fit(tmp_path: Path) -> None:
    made, poll = closed()
    older = made.files()["checkpoints/0000000010.txt"]
    note = tmp_path / "older.txt"
    note.write_bytes(older)
    path = saved(tmp_path, made.files())
    assert verifier.main([path, "--checkpoint", str(note)]) == 0
    # A ballot for someone who was silent, entered afterwards with the true key.
    made.cast(poll, 20, "no")
    made.entries.insert(5, made.entries.pop())
    result = YES | {"counts": {"yes": 5, "no": 3, "abstain": 1}}
    entry_of(made, "poll.closed")["data"].update(
        result=result, turnout={"total": 9, "by_channel": None}
    )
    for kind in ("result.published", "result.final"):
        put(made, kind, result=result)
    poll.last[poll.voters[20]]["_open"]["choice"][2] = True
    path = saved(tmp_path, made.files())
    assert verifier.main([path]) == 0
    assert verifier.main([path, "--checkpoint", str(note)]) == 1


def test_a_newer_checkpoint_asks_for_a_newer_archive(tmp_path: Path) -> None:
    made, poll = closed()
    path = saved(tmp_path, made.files())
    made.entry("objection.answered", {"poll": poll.ident}, at(26))
    note = tmp_path / "newer.txt"
    note.write_bytes(made.files()[f"checkpoints/{len(made.entries):010d}.txt"])
    assert verifier.main([path, "--checkpoint", str(note)]) == 2


@pytest.mark.parametrize("which", ["--checkpoint", "--keys"])
def test_files_brought_along_that_are_of_no_use_cannot_be_checked(
    tmp_path: Path, which: str
) -> None:
    path = saved(tmp_path, closed()[0].files())
    assert verifier.main([path, which, str(tmp_path / "missing")]) == 2
    assert verifier.main([path, which, path]) == 2


def test_without_cryptography_the_exit_code_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path, closed()[0].files())
    monkeypatch.setattr(verifier, "Ed25519PublicKey", None)
    assert verifier.main([path]) == 2
    assert "cryptography" in capsys.readouterr().out
    assert verifier.main([path, "--without-signatures"]) == 0
    assert "signatures were not checked" in capsys.readouterr().out


def test_it_runs_alone_and_in_isolation(tmp_path: Path) -> None:
    path = saved(tmp_path, closed()[0].files())
    command = [sys.executable, "-I", "-S", str(PROGRAM), path, "--without-signatures"]
    done = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "重数一致" in done.stdout.decode()


def test_it_needs_nothing_beyond_the_standard_library() -> None:
    import ast

    names = set()
    for node in ast.walk(ast.parse(PROGRAM.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    assert names <= set(sys.stdlib_module_names) | {"cryptography"}


def test_what_is_no_archive_ends_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.zip"
    assert verifier.main([str(path)]) == 2
    assert verifier.main([str(tmp_path)]) == 2
    assert verifier.main([]) == 2
    for data in (b"", b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 18, packed({}).read()):
        path.write_bytes(data)
        assert verifier.main([str(path)]) in {1, 2}
    whole = packed(closed()[0].files()).read()
    for cut in (10, 200, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:cut])
        assert verifier.main([str(path)]) in {1, 2}
    assert "Traceback" not in capsys.readouterr().out


def test_damage_to_the_zip_itself_never_ends_in_a_traceback() -> None:
    import io

    whole, dice = packed(closed()[0].files()).read(), random.Random(8)
    for _ in range(150):
        report = verifier.verify(io.BytesIO(flipped(whole, dice)))
        # Some bits of a zip mean nothing, such as dates; those may well pass.
        assert report.exit_code in {0, 1, 2}
        assert "did not expect" not in said(report)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a\\b", "C:x", "a//b", "folder/", "a\x1b[31m", "./a"]
)
def test_a_hostile_name_is_refused(whole: Files, name: str) -> None:
    report = check(mended(whole | {name: b"x"}))
    assert report.exit_code == 1
    assert "not safe" in said(report)
    assert "\x1b" not in said(report)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(whole: Files) -> None:
    out = packed(whole)
    with zipfile.ZipFile(out, "a") as zipped:
        zipped.writestr("entries.jsonl", b"")
    report = verifier.verify(out)
    assert report.exit_code == 1
    assert "same name" in said(report)


def test_a_zip_bomb_is_not_unpacked(whole: Files) -> None:
    report = check(mended(whole | {"bomb": b"\0" * 20_000_000}))
    assert report.exit_code == 2
    assert "zip bomb" in said(report)


HOSTILE = [
    b"[" * 100_000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"1" * 5000,
    b"NaN",
    b'"\\ud800"',
    b"\xff\xfe",
    b"null",
    b"[]",
    b'{"a":1,"a":1}',
    b"1.5",
    b"",
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_json_in_any_file_ends_in_a_sentence(whole: Files, number: int) -> None:
    for name in sorted(set(whole) - UNCHECKED):
        if "/" in name and "plain" not in name and "secret" not in name:
            continue
        files = whole | {name: HOSTILE[number] + b"\n"}
        report = check(files if name == "manifest.json" else mended(files))
        assert report.exit_code == 1, name
        assert "did not expect" not in said(report), name


def test_hostile_values_in_entries_end_in_a_sentence() -> None:
    odd: list[Json] = [None, True, -1, 2**53 - 1, "", "x" * 300, [], {}, [[]], [None], {"a": {}}]
    dice, seen = random.Random(2), 0
    for _ in range(45):
        made = everything()
        entry = dice.choice([e for e in made.entries if e["data"]])
        inside = entry["data"]
        while True:
            key = dice.choice(sorted(inside))
            if not isinstance(inside[key], dict) or not inside[key] or dice.random() < 0.4:
                break
            inside = inside[key]
        inside[key] = dice.choice(odd)
        report = check(made.files())
        seen += report.exit_code == 1
        assert "did not expect" not in said(report), (entry["kind"], key, inside[key], said(report))
    assert seen > 35


def test_a_method_nobody_knows_yet_cannot_be_checked() -> None:
    made = Builder()
    poll = made.open("borda", options=("A", "B"))
    made.cast(poll, 0, ["A", "B"])
    made.close(poll, {"counts": {"A": 2, "B": 1}})
    report = check(made.files())
    assert report.exit_code == 2
    assert "borda" in said(report)


# ---------------------------------------------------------------------------------------------
# The pieces
# ---------------------------------------------------------------------------------------------


def test_keys_are_sorted_as_rfc_8785_has_it() -> None:
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    # The example of RFC 8785, section 3.2.3: an emoji sorts before U+FB33 by UTF-16.
    assert verifier.canonical(value) == (
        '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'
    )


def test_strings_are_written_as_rfc_8785_has_it() -> None:
    text = '\u20ac$\u000f\nA\'B"\\\\"/\u007f\u2028'
    assert verifier.canonical(text) == '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f\u2028"'
    assert verifier.canonical([True, None, -7, {}]) == "[true,null,-7,{}]"


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 33])
def test_the_tree_is_that_of_rfc_6962(size: int) -> None:
    leaves = [sha(bytes([number])) for number in range(size)]
    tree = verifier.Tree()
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root() == root(leaves)

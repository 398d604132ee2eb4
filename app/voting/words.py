"""A poll in plain sentences: what it is, what its rules ask, how it came out, when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from app.core.times import time_text
from app.core.words import counted, listed
from app.voting.rules import Choice, Method, Outcome, PollKind, Rules, ShareTest

if TYPE_CHECKING:
    from collections.abc import Mapping

URGENT = timedelta(hours=24)


def kind_name(kind: str) -> str:
    """The kind of poll, as the ballot names it."""
    return {
        PollKind.PREFERENCE_POLL: _("意愿征集"),
        PollKind.MEETING_RESOLUTION: _("居民会议表决"),
        PollKind.OWNERS_JOINT_DECISION: _("业主共同决定"),
        PollKind.SATISFACTION_RATING: _("满意度评价"),
    }[PollKind(kind)]


def legal_effect(kind: str) -> str:
    """What the result is worth in law, in one sentence."""
    if PollKind(kind) is PollKind.PREFERENCE_POLL:
        return _(
            "这是意愿征集：结果供社区安排项目时参考，没有法律约束力；"
            "它不是业主共同决定，也不能代替居民会议表决。"
        )
    if PollKind(kind) is PollKind.SATISFACTION_RATING:
        return _("这是满意度评价：结果公开，低分的地方要返修，返修以后再请大家评一次。")
    if PollKind(kind) is PollKind.MEETING_RESOLUTION:
        return _(
            "这是居民会议表决：每户一票，代表本户参加；通过了，就是居民会议的决议。"
            "它不是业主共同决定。"
        )
    return _("结果的效力以开放时公布的规则为准。")


def who_votes() -> str:
    """Who has how many ballots, in one sentence."""
    return _("记名投票，一户一票。家里谁先投，就由谁修改；其他家人能看到本户已投票。")


def option_name(option: str, titles: Mapping[str, str]) -> str:
    """An option of either method as people read it."""
    fixed = {"yes": _("同意"), "no": _("反对"), "abstain": _("弃权")}
    return fixed.get(option) or titles.get(option, option)


def score_name(score: int) -> str:
    """A step of the scale."""
    return (_("非常不满意"), _("不满意"), _("一般"), _("满意"), _("非常满意"))[score]


def choice_text(choice: Choice, titles: Mapping[str, str]) -> str:
    """A choice as the member who cast it reads it."""
    if isinstance(choice, dict):
        named = [
            _("%(option)s：%(score)s", option=titles.get(option, option), score=score_name(score))
            for option, score in choice.items()
        ]
        return _("；").join(named)
    if isinstance(choice, str):
        return option_name(choice, titles)
    if not choice:
        return _("均不同意")
    return listed(option_name(option, titles) for option in choice)


# --- shares --------------------------------------------------------------------------------


def fraction_text(num: int, den: int) -> str:
    """A share in words, 三分之一, where people say it so; else in figures."""
    share = Fraction(num, den)
    names = {
        Fraction(1): _("全部"),
        Fraction(1, 2): _("一半"),
        Fraction(1, 3): _("三分之一"),
        Fraction(2, 3): _("三分之二"),
        Fraction(1, 4): _("四分之一"),
        Fraction(3, 4): _("四分之三"),
        Fraction(1, 5): _("五分之一"),
        Fraction(2, 5): _("五分之二"),
        Fraction(3, 5): _("五分之三"),
        Fraction(4, 5): _("五分之四"),
        Fraction(1, 10): _("十分之一"),
    }
    return names.get(share) or f"{share.numerator}/{share.denominator}"


def share_text(test: ShareTest) -> str:
    """What a test asks for: 至少三分之一, 过半数 (strictly more than half), 超过三分之二."""
    share = fraction_text(test.num, test.den)
    if test.num == test.den:
        return share
    if test.cmp == ">=":
        return _("至少%(share)s", share=share)
    if Fraction(test.num, test.den) == Fraction(1, 2):
        return _("过半数")
    return _("超过%(share)s", share=share)


def percent(count: int, base: int) -> str:
    """A share in per cent with one decimal, cut and never rounded up across a threshold."""
    if base == 0:
        return "—"
    tenths = count * 1000 // base
    return f"{tenths // 10}.{tenths % 10}%"


def base_name(of: str) -> str:
    """What a share is a share of."""
    return {
        "electorate": _("全部户数"),
        "participants": _("参加户数"),
        "yes_no": _("“同意”加“反对”的户数"),
    }[of]


def rules_in_words(method: str, rules: Rules, heads: int) -> list[str]:
    """A poll's rules in plain sentences; `heads` is 0 while the electorate is not known."""
    return [
        *(_participation(test, heads) for test in rules.participation),
        *(_of_method(Method(method), rules, heads)),
        _("截止以前可以改，以最后一次提交的为准。"),
        _("一户用几种方式投了票的，先收到的一种算数，另一种只作记录。"),
    ]


def _of_method(method: Method, rules: Rules, heads: int) -> list[str]:
    agreement = [_agreement(test, method, heads) for test in rules.agreement]
    if method is Method.SCORE:
        return [
            _("每一题从非常不满意到非常满意分五档，折合 0、25、50、75、100 分；可以空着不答。"),
            _("公布每一题的平均分和参加户数；不足 5 户作答的题不公布分数。"),
            _("没有投票的户不算参加，也不会替他们打分。"),
        ]
    if method is Method.YES_NO:
        silent = _("弃权算参加，不算同意。没有投票的户不算参加，也不会替他们算作同意。")
        return [*agreement, silent]
    return [
        _("每户最多选 %(k)s 项；都不赞成的，可以选“均不同意”。", k=rules.k),
        _("得票最多的 %(seats)s 项胜出。", seats=rules.seats),
        *agreement,
        _("最后一个名额票数相同的，如实公布为并列，不抽签，也不由谁指定。"),
        _("选“均不同意”也算参加。没有投票的户不算参加，也不会替他们算作赞成。"),
    ]


def _participation(test: ShareTest, heads: int) -> str:
    share, number = fraction_text(test.num, test.den), _number(test, heads)
    if test.cmp == ">=":
        return _(
            "至少要有%(share)s的户参加%(number)s，结果才算数。",
            share=share,
            number=number,
        )
    return _("参加的户要超过%(share)s%(number)s，结果才算数。", share=share, number=number)


def _number(test: ShareTest, heads: int) -> str:
    """How many households a share of all of them means, once it is known how many there are."""
    if not heads:
        return ""
    numbers = {"heads": f"{heads:,}", "needed": f"{test.needed(heads):,}"}
    if test.cmp == ">=":
        return _("（%(heads)s 户中的 %(needed)s 户）", **numbers)
    return _("（%(heads)s 户中至少 %(needed)s 户）", **numbers)


def _agreement(test: ShareTest, method: Method, heads: int) -> str:
    known = heads if test.of == "electorate" else 0
    asked = {
        "base": base_name(test.of),
        "share": fraction_text(test.num, test.den),
        "number": _number(test, known),
    }
    if method is Method.YES_NO and test.cmp == ">=":
        return _("“同意”的户数至少要占%(base)s的%(share)s%(number)s，才算通过。", **asked)
    if method is Method.YES_NO:
        return _("“同意”的户数要超过%(base)s的%(share)s%(number)s，才算通过。", **asked)
    if test.cmp == ">=":
        return _(
            "选一个项目的户数至少要占%(base)s的%(share)s%(number)s，它才能胜出。",
            **asked,
        )
    return _("选一个项目的户数要超过%(base)s的%(share)s%(number)s，它才能胜出。", **asked)


# --- results -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TestLine:
    """One test of a result with its numbers."""

    text: str
    passed: bool

    @property
    def verdict(self) -> str:
        """Whether the test was passed, in words."""
        return _("达到要求") if self.passed else _("没有达到要求")


def test_lines(method: str, rules: Rules, result: Mapping[str, Any], heads: int) -> list[TestLine]:
    """Each test that a result passed or failed, with the numbers it was judged by.

    `result` is that of `poll.closed`, with the number of ballots that count as `participants`.
    """
    counts: Mapping[str, int] = result["counts"]
    total = int(result["participants"])
    bases = {
        "electorate": heads,
        "participants": total,
        "yes_no": counts.get("yes", 0) + counts.get("no", 0),
    }
    lines = [_line(_("参加"), total, test, bases) for test in rules.participation]
    if Method(method) is Method.YES_NO:
        return lines + [_line(_("同意"), counts["yes"], test, bases) for test in rules.agreement]
    return lines + [_entry_line(test, counts, bases) for test in rules.agreement]


def _line(what: str, count: int, test: ShareTest, bases: Mapping[str, int]) -> TestLine:
    base = bases[test.of]
    if not base:
        text = _("%(base_name)s是 0，算不出比例。", base_name=base_name(test.of))
        return TestLine(text, passed=False)
    text = _(
        "%(what)s %(count)s 户，占%(base_name)s %(base)s 户的 %(percent)s；"
        "要求%(share)s（%(needed)s 户起）。",
        what=what,
        count=f"{count:,}",
        base_name=base_name(test.of),
        base=f"{base:,}",
        percent=percent(count, base),
        share=share_text(test),
        needed=f"{test.needed(base):,}",
    )
    return TestLine(text, test.holds(count, base))


def _entry_line(test: ShareTest, counts: Mapping[str, int], bases: Mapping[str, int]) -> TestLine:
    """How many projects had enough households behind them to win at all."""
    base = bases[test.of]
    enough = sum(test.holds(votes, base) for votes in counts.values())
    text = _(
        "胜出的下限：选它的户数占%(base_name)s %(base)s 户的%(share)s（%(needed)s 户起）；"
        "%(options)s 个项目中有 %(enough)s 个达到。",
        base_name=base_name(test.of),
        base=f"{base:,}",
        share=share_text(test),
        needed=f"{test.needed(base):,}",
        options=len(counts),
        enough=enough,
    )
    return TestLine(text, enough > 0)


def outcome_sentence(
    outcome: str,
    result: Mapping[str, Any],
    titles: Mapping[str, str],
    project: str = "",
) -> str:
    """The outcome in one sentence. `project` is the one a yes-no poll is about."""
    kind = Outcome(outcome)
    if "raters" in result:
        return _("“%(project)s”评价结束。", project=project)
    return _decision_sentence(kind, result, titles, project)


def _decision_sentence(
    kind: Outcome, result: Mapping[str, Any], titles: Mapping[str, str], project: str
) -> str:
    if kind is Outcome.NO_QUORUM:
        return _no_quorum(project)
    if kind is Outcome.PASSED:
        return _("“%(project)s”通过：同意的户数达到了要求。", project=project)
    if kind is Outcome.REJECTED:
        return _("“%(project)s”没有通过：同意的户数没有达到要求。", project=project)
    if kind is Outcome.TIE:
        return _tie(result, titles)
    if not result["winners"]:
        return _("没有项目胜出：没有一项得到足够的户支持。")
    return _("%(projects)s胜出。", projects=_names(_by_votes(result), result, titles))


def _no_quorum(project: str) -> str:
    if project:
        return _("“%(project)s”没有结果：参加的户数不够。", project=project)
    return _("参加的户数不够，这次投票没有结果。")


def _by_votes(result: Mapping[str, Any]) -> list[str]:
    counts: Mapping[str, int] = result["counts"]
    return sorted(result["winners"], key=lambda option: (-counts[option], option))


def _tie(result: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    tied = _names(result["tied"], result, titles)
    if not result["winners"]:
        return _("%(tied)s票数相同，并列，没有分出先后。", tied=tied)
    return _(
        "%(winners)s胜出；剩下的名额，%(tied)s票数相同，并列，没有分出先后。",
        winners=_names(_by_votes(result), result, titles),
        tied=tied,
    )


def _names(options: list[str], result: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Projects with their votes, so that the sentence can be checked by itself."""
    return listed(
        _(
            "“%(title)s”（%(votes)s 票）",
            title=titles[option],
            votes=f"{result['counts'][option]:,}",
        )
        for option in options
    )


# --- times ---------------------------------------------------------------------------------


def countdown(closes_at: datetime, now: datetime) -> str:
    """How long there is, and until when: 还有 3 天，5月20日（周三）18:00 截止."""
    left = closes_at - now
    until = time_text(closes_at)
    if left <= timedelta(0):
        return _("已于 %(until)s 截止", until=until)
    if left.days:
        return counted("还有 %(days)s 天，%(until)s 截止", left.days, days=left.days, until=until)
    hours, minutes = left.seconds // 3600, left.seconds % 3600 // 60
    if hours:
        return counted("还有 %(hours)s 小时，%(until)s 截止", hours, hours=hours, until=until)
    minutes = max(minutes, 1)
    return counted("还有 %(minutes)s 分钟，%(until)s 截止", minutes, minutes=minutes, until=until)


def is_urgent(closes_at: datetime, now: datetime) -> bool:
    """Whether less than a day is left."""
    return timedelta(0) < closes_at - now < URGENT

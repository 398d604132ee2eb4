"""A poll in plain sentences: what it is, what its rules ask, how it came out, when it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask_babel import get_locale
from flask_babel import gettext as _

from app.core import clock
from app.voting.rules import Method, Outcome, PollKind, Rules, ShareTest

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
            "这是意愿征集：结果供社区安排项目时参考，不是业主共同决定，也不能代替居民会议表决。"
        )
    return _("结果的效力以开放时公布的规则为准。")


def who_votes() -> str:
    """Who has how many ballots, in one sentence."""
    return _("记名投票，一户一票。家里谁先投，就由谁修改；其他家人能看到本户已投票。")


def option_name(option: str, titles: Mapping[str, str]) -> str:
    """An option of either method as people read it."""
    fixed = {"yes": _("同意"), "no": _("反对"), "abstain": _("弃权")}
    return fixed.get(option) or titles.get(option, option)


def choice_text(choice: Any, titles: Mapping[str, str]) -> str:
    """A choice as the member who cast it reads it."""
    if isinstance(choice, str):
        return option_name(choice, titles)
    if not choice:
        return _("均不同意")
    return _("、").join(option_name(option, titles) for option in choice)


# --- shares --------------------------------------------------------------------------------


def share_text(test: ShareTest) -> str:
    """The share a test asks for: 三分之一, 过半数, 四分之三以上."""
    if (test.num, test.den, test.cmp) == (1, 2, ">"):
        return _("过半数")
    names = {
        (1, 2): _("二分之一"),
        (1, 3): _("三分之一"),
        (2, 3): _("三分之二"),
        (1, 4): _("四分之一"),
        (3, 4): _("四分之三"),
        (1, 5): _("五分之一"),
    }
    share = names.get((test.num, test.den)) or f"{test.num}/{test.den}"
    return (
        _("%(share)s以上（含）", share=share)
        if test.cmp == ">="
        else _("超过%(share)s", share=share)
    )


def percent(count: int, base: int) -> str:
    """A share in per cent with one decimal, cut and never rounded up across a threshold."""
    if base == 0:
        return "—"
    tenths = count * 1000 // base
    return f"{tenths // 10}.{tenths % 10}%"


def base_name(of: str) -> str:
    """What a share is a share of."""
    return {
        "electorate": _("全体应参加户数"),
        "participants": _("参加投票的户数"),
        "yes_no": _("同意和反对的合计户数"),
    }[of]


def rules_in_words(method: str, rules: Rules, heads: int) -> list[str]:
    """A poll's rules in plain sentences; `heads` is 0 while the electorate is not known."""
    lines = [_participation(test, heads) for test in rules.participation]
    lines += [_agreement(test, method) for test in rules.agreement]
    if Method(method) is Method.CHOOSE:
        lines.append(
            _(
                "每户最多选 %(k)s 项，也可以选“均不同意”。得票最多的前 %(seats)s 项胜出。",
                k=rules.k,
                seats=rules.seats,
            )
        )
        lines.append(
            _("最后一个名额票数相同的，如实公布为并列，不抽签，也不由谁指定。")
        )
    lines.append(_("弃权和“均不同意”算参加投票。没有投票的户不算同意，也不算反对。"))
    return lines


def _participation(test: ShareTest, heads: int) -> str:
    if not heads:
        return _(
            "参加的户数要达到全体的%(share)s，结果才算数。", share=share_text(test)
        )
    return _(
        "参加的户数要达到全体的%(share)s，也就是 %(heads)s 户中至少 %(needed)s 户，结果才算数。",
        share=share_text(test),
        heads=f"{heads:,}",
        needed=f"{test.needed(heads):,}",
    )


def _agreement(test: ShareTest, method: str) -> str:
    if Method(method) is Method.YES_NO:
        return _(
            "同意的户数要达到%(base)s的%(share)s，才算通过。",
            base=base_name(test.of),
            share=share_text(test),
        )
    return _(
        "一个项目的得票要达到%(base)s的%(share)s，才能胜出。",
        base=base_name(test.of),
        share=share_text(test),
    )


# --- results -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TestLine:
    """One test of a result with its numbers."""

    text: str
    passed: bool


def test_lines(
    method: str, rules: Rules, result: Mapping[str, Any], heads: int
) -> list[TestLine]:
    """Each test that a result passed or failed, with the numbers it was judged by."""
    counts: Mapping[str, int] = result["counts"]
    total = int(result["participants"])
    bases = {
        "electorate": heads,
        "participants": total,
        "yes_no": counts.get("yes", 0) + counts.get("no", 0),
    }
    lines = [
        TestLine(_numbers(_("参加投票"), total, test, bases), test.holds(total, heads))
        for test in rules.participation
    ]
    if Method(method) is Method.YES_NO:
        yes = counts["yes"]
        lines += [
            TestLine(
                _numbers(_("同意"), yes, test, bases), test.holds(yes, bases[test.of])
            )
            for test in rules.agreement
        ]
    return lines


def _numbers(what: str, count: int, test: ShareTest, bases: Mapping[str, int]) -> str:
    base = bases[test.of]
    return _(
        "%(what)s %(count)s 户，占%(base_name)s %(base)s 户的 %(percent)s；要求%(share)s，即至少 %(needed)s 户。",
        what=what,
        count=f"{count:,}",
        base_name=base_name(test.of),
        base=f"{base:,}",
        percent=percent(count, base),
        share=share_text(test),
        needed=f"{test.needed(base):,}",
    )


def outcome_sentence(
    outcome: str,
    result: Mapping[str, Any],
    titles: Mapping[str, str],
    project: str = "",
) -> str:
    """The outcome in one sentence. `project` is the one a yes-no poll is about."""
    kind = Outcome(outcome)
    if kind is Outcome.NO_QUORUM:
        return _("参加的户数没有达到规定，这次投票不产生结果。")
    if kind is Outcome.PASSED:
        return _("“%(project)s”得到多数住户赞成。", project=project)
    if kind is Outcome.REJECTED:
        return _("“%(project)s”没有得到规定的多数赞成。", project=project)
    if kind is Outcome.TIE:
        return _tie(result, titles)
    if not result["winners"]:
        return _("没有一个项目达到胜出的要求。")
    return _("胜出：%(projects)s。", projects=_names(_by_votes(result), titles))


def _by_votes(result: Mapping[str, Any]) -> list[str]:
    counts: Mapping[str, int] = result["counts"]
    return sorted(result["winners"], key=lambda option: (-counts[option], option))


def _tie(result: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    tied = _names(result["tied"], titles)
    votes = result["counts"][result["tied"][0]]
    if not result["winners"]:
        return _(
            "%(tied)s并列，各得 %(votes)s 票，没有分出先后。",
            tied=tied,
            votes=f"{votes:,}",
        )
    return _(
        "胜出：%(winners)s。余下的名额由%(tied)s并列，各得 %(votes)s 票，没有分出先后。",
        winners=_names(_by_votes(result), titles),
        tied=tied,
        votes=f"{votes:,}",
    )


def _names(options: list[str], titles: Mapping[str, str]) -> str:
    return _("、").join(f"“{titles[option]}”" for option in options)


# --- times ---------------------------------------------------------------------------------


def _chinese() -> bool:
    locale = get_locale()
    return locale is None or locale.language == "zh"


def day_text(moment: datetime) -> str:
    """A day with its weekday: 5月20日（周三）."""
    shown = clock.local(moment)
    if _chinese():
        return f"{shown.month}月{shown.day}日（周{'一二三四五六日'[shown.weekday()]}）"
    return f"{shown:%A} {shown.day} {shown:%B}"


def time_text(moment: datetime) -> str:
    """A moment with its weekday: 5月20日（周三）18:00; another year is named."""
    shown = clock.local(moment)
    year = "" if shown.year == clock.local(clock.now()).year else f"{shown.year}年"
    if not _chinese():
        year = f" {shown.year}" if year else ""
        return f"{shown:%H:%M}, {day_text(moment)}{year}"
    return f"{year}{day_text(moment)}{shown:%H:%M}"


def countdown(closes_at: datetime, now: datetime) -> str:
    """How long there is, and until when: 还有 3 天，5月20日（周三）18:00 截止."""
    left = closes_at - now
    until = time_text(closes_at)
    if left <= timedelta(0):
        return _("已于 %(until)s 截止", until=until)
    if left.days:
        return _("还有 %(days)s 天，%(until)s 截止", days=left.days, until=until)
    hours, minutes = left.seconds // 3600, left.seconds % 3600 // 60
    if hours:
        return _("还有 %(hours)s 小时，%(until)s 截止", hours=hours, until=until)
    return _(
        "还有 %(minutes)s 分钟，%(until)s 截止", minutes=max(minutes, 1), until=until
    )


def is_urgent(closes_at: datetime, now: datetime) -> bool:
    """Whether less than a day is left."""
    return timedelta(0) < closes_at - now < URGENT

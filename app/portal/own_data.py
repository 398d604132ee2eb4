"""Everything that is kept about one resident, for that resident: to read, and to take away.

Sources: 个人信息保护法第十七条 (what is told), 第四十五条 (to see and copy); docs/settings.md says
how long each thing is kept. The choice of a ballot is not among it: it stands on the receipt, for
whoever cast it, and in no list that somebody else could open on the same phone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from flask import current_app
from flask_babel import gettext as _

from app.bodies import queries as bodies
from app.communities import queries as communities
from app.consultations import holdings as topics
from app.consultations.words import state_badge as topic_badge
from app.conventions import queries as conventions
from app.core import clock
from app.core.actor import Role
from app.core.times import date_text, time_text
from app.correcting import queries as corrections
from app.correcting.words import what_text
from app.discussion import queries as opinions
from app.discussion.words import state_badge as post_badge
from app.keeping.rules import keep_from, longest_days, periods
from app.meetings import queries as meetings
from app.meetings.rules import AgeBand
from app.meetings.words import BANDS, badge_of
from app.people import holdings as accounts
from app.people.role_words import role_name
from app.people.words import person_notice
from app.roles import queries as roles
from app.sharing import queries as shared
from app.voting import holdings as ballots

OfHome = TypeVar("OfHome", accounts.Joined, accounts.Owned, corrections.RequestView)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing: what it is, in the reader's language, and what was written, as it was."""

    words: str
    written: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """One sort of thing: what for, how long, and each of them as a line and as facts."""

    name: str
    title: str
    purpose: str
    how_long: str
    lines: tuple[Line, ...]
    facts: tuple[dict[str, Any], ...]


def kept_about(community_id: int, person_id: int) -> list[Kept]:
    """Every sort of thing that is kept, those too of which there is nothing."""
    days = days_kept()
    return [
        _joined(community_id, person_id, days["owner_roles"]),
        _visits(person_id, days["sessions"], days["security_log"]),
        _ballots(community_id, person_id),
        *_the_rest(community_id, person_id, days),
    ]


def kept_at_desk(community_id: int, person_id: int, household_id: int) -> list[Kept]:
    """The same for a copy that the desk hands out to somebody who was of this household.

    Another home of theirs is not what the papers show. Ballots and the times they were here have
    the day alone, as on the certificate of having taken part: by the minute, or by how often
    somebody voted, whoever holds the copy could find the ballot in the public record.
    """
    days = days_kept()
    return [
        _joined(community_id, person_id, days["owner_roles"], household_id),
        _visits(person_id, days["sessions"], days["security_log"], to_the_day=True),
        _polls(community_id, person_id, household_id),
        *_the_rest(community_id, person_id, days, household_id),
    ]


def _the_rest(
    community_id: int, person_id: int, days: dict[str, int], household_id: int | None = None
) -> list[Kept]:
    return [
        _opinions(community_id, person_id),
        _topics(community_id, person_id),
        _seats(community_id, person_id),
        _roles(community_id, person_id),
        _acting(community_id, person_id, days["body_acting"]),
        _pledges(community_id, person_id),
        _corrections(community_id, person_id, days["corrections"], household_id),
        _inbox(community_id, person_id, days["inbox"]),
    ]


def days_kept() -> dict[str, int]:
    """For how many days each field is kept after its end, as this installation is set."""
    return periods(dict(current_app.config["SETTINGS"].retention))


def longest_in_backups() -> int:
    """For how many days at most something erased now still lies in an old backup."""
    return longest_days(keep_from(current_app.config["SETTINGS"].backup_keep))


def as_data(kept: list[Kept]) -> dict[str, Any]:
    """The same for a program: moments in UTC, no line that only says the same in words."""
    return {
        "format": "linyi-own-data/1",
        "made_at": clock.to_record(clock.now()),
        "kept": {
            one.name: {"purpose": one.purpose, "how_long": one.how_long, "items": list(one.facts)}
            for one in kept
        },
    }


def _facts(thing: object) -> dict[str, Any]:
    """A frozen value as facts: moments in UTC, words of ours by their keys."""
    return {name: _plain(value) for name, value in asdict(thing).items()}  # type: ignore[call-overload]


def _plain(value: Any) -> Any:
    return clock.to_record(value) if hasattr(value, "tzinfo") else value


def _day(value: Any) -> Any:
    return clock.day_of(value).isoformat() if hasattr(value, "tzinfo") else value


def _of_home(found: list[OfHome], household_id: int | None) -> list[OfHome]:
    """Those of one household; all of them for None."""
    return [one for one in found if household_id in {None, one.household_id}]


def _joined(
    community_id: int, person_id: int, owner_days: int, household_id: int | None = None
) -> Kept:
    found = _of_home(accounts.joined(community_id, person_id), household_id)
    owned = _of_home(accounts.owned(community_id, person_id), household_id)
    ages = {
        "adult_declared_at": _plain(accounts.declared_adult_at(person_id)),
        "minor_declared_at": _plain(accounts.declared_minor_at(person_id)),
    }
    address = {
        one.household_id: communities.address_of(community_id, one.household_id).text
        for one in found
    }

    def line(one: accounts.Joined) -> Line:
        at, home = time_text(one.joined_at), address[one.household_id]
        if one.ended_at is None:
            return Line(_("%(at)s进来：", at=at), home)
        return Line(_("%(at)s进来，%(ended)s退出：", at=at, ended=time_text(one.ended_at)), home)

    return Kept(
        "households",
        _("您是哪一户的"),
        _("一户一票，要知道您代表哪一户；进来时您说过是不是满 18 周岁。没有记您的姓名和出生日期。"),
        _(
            "随底册和投票的记录保留，供复核计票。核对过是业主的，失效以后满 %(days)s 天删除。",
            days=owner_days,
        ),
        (*(line(one) for one in found), *(_owned_line(community_id, one) for one in owned)),
        (
            *(_facts(one) | {"address": address[one.household_id]} | ages for one in found),
            *(_facts(one) | {"role": Role.OWNER.value} for one in owned),
        ),
    )


def _owned_line(community_id: int, one: accounts.Owned) -> Line:
    address = communities.address_of(community_id, one.household_id).text
    return Line(
        _("%(at)s服务台看过证件，是业主：", at=time_text(one.starts_at)),
        address,
    )


def _visits(person_id: int, days: int, log_days: int, *, to_the_day: bool = False) -> Kept:
    now, found = clock.now(), accounts.visits(person_id)
    at, plain = (date_text, _day) if to_the_day else (time_text, _plain)

    def line(one: accounts.Visit) -> Line:
        times = {"begun": at(one.created_at), "seen": at(one.last_seen_at)}
        if one.ended_at is None and one.expires_at > now:
            return Line(_("%(begun)s进来，最近一次 %(seen)s，还没有退出", **times))
        if one.ended_at is None:
            return Line(_("%(begun)s进来，最近一次 %(seen)s，已经到期", **times))
        return Line(_("%(begun)s进来，最近一次 %(seen)s，已经退出", **times))

    return Kept(
        "sign_ins",
        _("哪些时候在手机上进来过"),
        _("让您下次不用再输编码，也好看出有没有人冒用。没有记手机型号和位置。"),
        _(
            "退出或到期以后 %(days)s 天删除；安全日志里的一行留 %(log)s 天"
            "（法律要求不少于六个月）。",
            days=days,
            log=log_days,
        ),
        tuple(line(one) for one in found),
        tuple({name: plain(value) for name, value in asdict(one).items()} for one in found),
    )


def _ballots(community_id: int, person_id: int) -> Kept:
    found = ballots.ballots_of(community_id, person_id)

    def line(one: ballots.OwnBallot) -> Line:
        at = time_text(one.at)
        if not one.version:
            return Line(_("%(at)s，来晚了，没有计入：", at=at), one.title)
        return Line(_("%(at)s，第 %(number)s 次：", at=at, number=one.version), one.title)

    return Kept(
        "ballots",
        _("您投过的票"),
        _("用来计票，也让任何人都能复核。选了什么不在这里，在您自己的回执上。"),
        _how_long_ballots(),
        tuple(line(one) for one in found),
        tuple(_facts(one) for one in found),
    )


def _how_long_ballots() -> str:
    return _(
        "意愿征集和居民会议表决满期以后，每张票选了什么会删除；投过票这件事随公开记录保留，"
        "记录里没有您的地址。"
    )


def _polls(community_id: int, person_id: int, household_id: int) -> Kept:
    """In which polls somebody voted for a household, and on which day the last time."""
    last: dict[tuple[str, bool], ballots.OwnBallot] = {}
    for one in ballots.ballots_of(community_id, person_id, household_id):
        last.setdefault((one.poll_id, one.version > 0), one)
    return Kept(
        "ballots",
        _("您投过的票"),
        _(
            "用来计票，也让任何人都能复核。选了什么不在这里；几点投的、投过几次也不写，"
            "经手的人就对不上是哪一张。"
        ),
        _how_long_ballots(),
        tuple(
            Line(
                _("%(day)s：", day=date_text(one.at))
                if one.version
                else _("%(day)s，来晚了，没有计入：", day=date_text(one.at)),
                one.title,
            )
            for one in last.values()
        ),
        tuple(
            {
                "poll_id": one.poll_id,
                "title": one.title,
                "counted": one.version > 0,
                "day": _day(one.at),
            }
            for one in last.values()
        ),
    )


def _opinions(community_id: int, person_id: int) -> Kept:
    found = opinions.mine(community_id, person_id)
    together = shared.own_opinions(community_id, person_id)
    return Kept(
        "opinions",
        _("您写的意见和申诉"),
        _("审核、公布、答复。公布时不写您的姓名，号码自动遮住；原文只有您和审核的人看得到。"),
        _("随这件事的协商档案保留；没有公布的，也留着审核的理由。"),
        tuple(
            Line(
                f"{time_text(one.submitted_at)} {post_badge(one.state)[1]}",
                "\n".join(filter(None, (one.original, one.appeal))),
            )
            for one in found
        )
        + tuple(
            Line(
                f"{time_text(one.submitted_at)} {post_badge(one.state)[1]}",
                "\n".join(filter(None, (one.original, one.appeal))),
            )
            for one in together
        ),
        tuple(
            {
                "post": one.public_id,
                "about": one.subject,
                "said_for": one.body or None,
                "written": one.original,
                "published_as": one.text if one.state == "published" else "",
                "state": str(one.state),
                "at": _plain(one.submitted_at),
                "appeal": one.appeal,
                "appeal_answer": one.appeal_answer,
                "earlier": one.earlier,
            }
            for one in found
        )
        + tuple(
            {
                "post": one.public_id,
                "about": "shared",
                "said_for": one.body or None,
                "written": one.original,
                "published_as": one.text if one.state == "published" else "",
                "state": str(one.state),
                "at": _plain(one.submitted_at),
                "appeal": one.appeal,
                "appeal_answer": one.appeal_answer,
            }
            for one in together
        ),
    )


def _topics(community_id: int, person_id: int) -> Kept:
    found = topics.proposed_by(community_id, person_id)
    return Kept(
        "topics",
        _("您提的议题"),
        _("请大家一起商量。公开时只写“居民提出”，不写您的姓名。"),
        _("随协商档案保留。"),
        tuple(
            Line(
                f"{time_text(one.at)} {topic_badge(one.state)[1]}",
                f"{one.title}\n{one.text}",
            )
            for one in found
        ),
        tuple(_facts(one) for one in found),
    )


def _seats(community_id: int, person_id: int) -> Kept:
    found = meetings.seats_of(community_id, person_id)

    def line(one: meetings.OwnSeat) -> Line:
        words = f"{time_text(one.starts_at)} {badge_of(one.state)[1]}"
        if one.checked_in_at is not None:
            band = BANDS[AgeBand(one.band or AgeBand.UNSAID)]
            at = time_text(one.checked_in_at)
            words = _("%(at)s签到，年龄段选的“%(band)s”", at=at, band=band)
        return Line(words, one.title)

    return Kept(
        "meetings",
        _("您报名和到过的会"),
        _("留座、候补、签到；年龄段是您自己选的，只公布人数，不足 5 人的不单独公布。"),
        _("随会议的记录保留。"),
        tuple(line(one) for one in found),
        tuple(_facts(one) for one in found),
    )


def _roles(community_id: int, person_id: int) -> Kept:
    held = roles.of_person(community_id, person_id)
    proposed = roles.about_person(community_id, person_id)
    return Kept(
        "roles",
        _("您担任过什么"),
        _("居民代表、会议的主持和记录：谁提名、到哪天为止。公开记录里只写角色，不写是谁。"),
        _("随居务档案保留。"),
        (
            *(
                Line(_("%(at)s起：%(role)s", at=time_text(one.starts_at), role=role_name(one.role)))
                for one in held
            ),
            *(
                Line(
                    _(
                        "%(at)s提名：%(role)s",
                        at=time_text(one.proposed_at),
                        role=role_name(one.role),
                    ),
                    "\n".join(filter(None, (one.called, one.reason, one.word))),
                )
                for one in proposed
            ),
        ),
        (
            *(
                {
                    "role": one.role.value,
                    "scope": one.scope,
                    "starts_at": _plain(one.starts_at),
                    "ends_at": _plain(one.ends_at),
                }
                for one in held
            ),
            *(
                {
                    "proposed": one.role.value,
                    "called": one.called,
                    "reason": one.reason,
                    "word": one.word,
                    "outcome": one.outcome,
                    "at": _plain(one.proposed_at),
                }
                for one in proposed
            ),
        ),
    )


def _acting(community_id: int, person_id: int, days: int) -> Kept:
    found = bodies.acting_of(community_id, person_id)
    return Kept(
        "bodies",
        _("您代表过的单位"),
        _("您能以单位的名义说话、答复开会。公开的只有单位的名称，不写是谁。"),
        _(
            "结束以后满 %(days)s 天删除；您以单位名义公布的意见是单位的，随协商档案保留。",
            days=days,
        ),
        tuple(
            Line(
                _("%(at)s起：%(body)s", at=time_text(one.starts_at), body=one.body),
                "\n".join(filter(None, (one.called, one.ground))),
            )
            for one in found
        ),
        tuple(
            {
                "body": one.body,
                "scope": one.scope,
                "called": one.called,
                "ground": one.ground,
                "starts_at": _plain(one.starts_at),
                "ends_at": _plain(one.ends_at),
            }
            for one in found
        ),
    )


def _pledges(community_id: int, person_id: int) -> Kept:
    found = conventions.pledges_of(community_id, person_id)

    def line(one: conventions.OwnPledge) -> Line:
        facts = {"number": one.number, "signed": time_text(one.signed_at)}
        if one.withdrawn_at is not None:
            back = time_text(one.withdrawn_at)
            return Line(
                _(
                    "第 %(number)s 版，%(signed)s签，%(back)s撤回，写的名字已删掉",
                    **facts,
                    back=back,
                )
            )
        if one.strokes:
            return Line(_("第 %(number)s 版，%(signed)s签，手写了名字", **facts))
        return Line(_("第 %(number)s 版，%(signed)s签", **facts))

    return Kept(
        "pledges",
        _("您签过的居民公约"),
        _("只公布一共多少人签，不公布谁签了。"),
        _("写的名字留到您撤回为止；签过、撤回过这件事随公约的记录保留。"),
        tuple(line(one) for one in found),
        tuple(_facts(one) for one in found),
    )


def _corrections(
    community_id: int, person_id: int, days: int, household_id: int | None = None
) -> Kept:
    found = _of_home(corrections.own(community_id, person_id), household_id)
    return Kept(
        "corrections",
        _("您提过的更正"),
        _("请服务台核实、更正底册。您写的字只有服务台看得到。"),
        _("办完以后 %(days)s 天删除。", days=days),
        tuple(
            Line(
                f"{time_text(one.asked_at)} {what_text(one.what)}",
                "\n".join(filter(None, (one.text, one.answer))),
            )
            for one in found
        ),
        tuple(
            {
                "what": str(one.what),
                "written": one.text,
                "at": _plain(one.asked_at),
                "state": str(one.state),
                "answer": one.answer,
                "answered_at": _plain(one.answered_at),
            }
            for one in found
        ),
    )


def _inbox(community_id: int, person_id: int, days: int) -> Kept:
    found = accounts.told(community_id, person_id)
    return Kept(
        "inbox",
        _("发给您的消息"),
        _("告诉您参与的事有了什么进展。"),
        _("满 %(days)s 天删除。", days=days),
        tuple(Line(person_notice(one.kind, one.at)) for one in found),
        tuple(_facts(one) for one in found),
    )

"""What our papers say about a community, a poll, a result: from views to printing's content."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _

from app.communities import addresses
from app.core import clock
from app.core.record import latest_checkpoint
from app.core.times import day_text, end_text, time_text
from app.exports import printing
from app.meetings.words import off_banner
from app.people.rules import code_groups
from app.voting import showing, words
from app.voting.rules import Method, Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from app.communities.queries import CommunityView, HouseholdAddress
    from app.communities.walks import Home
    from app.meetings.queries import MeetingView
    from app.people.codes import DrawnCode
    from app.people.steps import Correction
    from app.projects.queries import ProjectView
    from app.voting.participation import TookPart
    from app.voting.queries import BallotView, PollCard, PollView, ResultView

# A letter is one page: what does not fit on it is found behind its code.
POLLS_ON_A_LETTER = 3
POLL_TITLE_ON_A_LETTER = 60
CORRECTION_ON_A_NOTICE = 160


def _path(endpoint: str, **values: str) -> str:
    """The path of a page; papers are also made where there is no request."""
    return current_app.url_map.bind("paper").build(endpoint, values)


def base_url() -> str:
    """The address that papers carry; never the one of the request."""
    return str(current_app.config["SETTINGS"].base_url)


def words_of(address: str) -> str:
    """An address as people type it, without the scheme."""
    return address.split("://", 1)[-1]


def sender(place: CommunityView) -> printing.Sender:
    """Whose paper it is. Paper of a loopback address is a demo, whatever the community is."""
    return printing.Sender(
        community=place.name,
        committee=_("%(community)s居民委员会", community=place.name),
        office=place.office,
        hours=place.hours,
        desk_phone=place.desk_phone,
        demo=place.demo or current_app.config["SETTINGS"].is_trial,
    )


def letter_text(polls: Sequence[PollCard]) -> printing.LetterText:
    """What all letters of a printing say; `polls` are those open now, the first to close first."""
    purpose = (
        _("社区有一件大家的事，请每户投一票。")
        if polls
        else _("以后社区建什么、怎么管，请每户投一票，就用这封信进入。请先收好。")
    )
    soonest = sorted(polls, key=lambda poll: poll.closes_at)
    more = len(soonest) - POLLS_ON_A_LETTER
    return printing.LetterText(
        purpose=purpose,
        polls=tuple(map(_poll_line, soonest[:POLLS_ON_A_LETTER])),
        more_polls=_("另外还有 %(number)s 项投票，进去以后都能看到。", number=more)
        if more > 0
        else "",
        address_words=words_of(base_url()) + _path("people.enter"),
        printed=_("%(day)s印。", day=day_text(clock.now())),
    )


def _poll_line(poll: PollCard) -> printing.PollLine:
    title = poll.title
    if len(title) > POLL_TITLE_ON_A_LETTER:
        title = title[: POLL_TITLE_ON_A_LETTER - 1] + "…"
    return printing.PollLine(title, _("%(at)s 截止", at=time_text(poll.closes_at)))


def letters(homes: Iterable[Home], codes: Mapping[int, DrawnCode]) -> Iterator[printing.Letter]:
    """One letter for each home, in walking order. The code lies behind #, unseen by servers."""
    door = base_url() + _path("people.enter")
    for home in homes:
        code = codes[home.household_id].code
        yield printing.Letter(
            address=home.address.text,
            building=addresses.building_text(home.address.building),
            walk=_("第 %(number)s 封 / 共 %(of)s 封", number=home.number, of=home.of),
            groups=code_groups(code),
            link=f"{door}#{code}",
        )


def delivery_lists(
    homes: Sequence[Home], issued: Mapping[int, datetime]
) -> Iterator[printing.DeliveryList]:
    """A delivery list for each building among `homes`; `issued` tells when each got its code."""
    for _building, group in groupby(homes, lambda home: home.address.building_id):
        here = list(group)
        address = here[0].address
        yield printing.DeliveryList(
            building=f"{address.estate} {addresses.building_text(address.building)}",
            count=_homes_text(here),
            lines=tuple(_delivery_line(home, issued.get(home.household_id)) for home in here),
            printed=_("%(day)s印。", day=day_text(clock.now())),
        )


def _homes_text(homes: Sequence[Home]) -> str:
    """How many homes, and in how many of them somebody is 60 or more, where the roll says so."""
    if all(home.elderly is None for home in homes):
        return _("共 %(homes)s 户", homes=len(homes))
    return _(
        "共 %(homes)s 户，其中 %(elderly)s 户有 60 岁以上的老人",
        homes=len(homes),
        elderly=sum(home.elderly is True for home in homes),
    )


def _delivery_line(home: Home, issued: datetime | None) -> printing.DeliveryLine:
    return printing.DeliveryLine(
        number=str(home.number),
        stairwell=addresses.stairwell_text(home.address.stairwell),
        room=addresses.room_text(home.address.room),
        printed=day_text(issued) if issued is not None else _("还没印"),
    )


def rounds(
    homes: Sequence[Home], heading: str, brought: Mapping[int, str], hint: str
) -> Iterator[printing.Round]:
    """A list for each stairwell; `brought` says what goes to each household."""
    printed = _("%(day)s印。", day=day_text(clock.now()))
    for _stairwell, group in groupby(
        homes, lambda home: (home.address.building_id, home.address.stairwell)
    ):
        here = list(group)
        first = here[0].address
        parts = (
            first.estate,
            addresses.building_text(first.building),
            addresses.stairwell_text(first.stairwell),
        )
        yield printing.Round(
            where=" ".join(part for part in parts if part),
            heading=heading,
            count=_("共 %(homes)s 户", homes=len(here)),
            lines=tuple(
                printing.RoundLine(
                    addresses.room_text(home.address.room), brought[home.household_id]
                )
                for home in here
            ),
            hint=hint,
            printed=printed,
        )


def poster(poll: PollView, size: str = "a4") -> printing.Poster:
    """The poster of an opened poll; `size` is a4 or a3."""
    link = base_url() + _path("portal.short", key=poll.public_id)
    return printing.Poster(
        size=size,
        kind=poll.kind_name,
        title=poll.title,
        when=words.countdown(poll.closes_at, poll.closes_at).strip()
        if poll.decided
        else _(
            "%(opens)s 到 %(closes)s",
            opens=time_text(poll.opens_at),
            closes=time_text(poll.closes_at),
        ),
        who=poll.who,
        effect=poll.effect,
        invitation=_("微信扫一扫，看结果")
        if poll.decided
        else _("微信扫一扫，看内容，评一评")
        if poll.rates
        else _("微信扫一扫，看内容，投一票"),
        link=link,
        address_words=words_of(link),
    )


def meeting_notice(
    place: CommunityView, meeting: MeetingView, question: str, corrected: Sequence[Correction]
) -> printing.MeetingNotice:
    """The notice of an announced meeting; `corrected` is what was wrong about its topic."""
    path = _path("meetings.show", code=place.code, meeting_id=meeting.public_id)
    free = meeting.capacity - meeting.held
    return printing.MeetingNotice(
        title=meeting.title,
        form=_("%(form)s公告", form=meeting.form),
        when=time_text(meeting.starts_at),
        where=meeting.place,
        chairs=_(
            "主持：%(chair)s　记录：%(recorder)s", chair=meeting.chair, recorder=meeting.recorder
        ),
        question=question,
        items=tuple(
            printing.MeetingItem(item.title, item.speaker, item.minutes) for item in meeting.items
        ),
        materials=meeting.materials,
        places=_(
            "共 %(all)s 个座位，%(free)s 个可以用手机报名，%(held)s 个留给服务台。",
            all=meeting.capacity,
            free=free,
            held=meeting.held,
        )
        + _needed(meeting),
        announced=_("%(day)s公告", day=day_text(meeting.announced_at)),
        link=base_url() + path,
        address_words=words_of(base_url() + path),
        corrections=tuple(
            _("更正（%(at)s）：%(text)s", at=time_text(one.at), text=_on_paper(one.text))
            for one in corrected
        ),
        off=off_banner(meeting),
        why=_("原因：%(reason)s", reason=meeting.reason) if meeting.reason else "",
    )


def _on_paper(text: str) -> str:
    """A correction as it fits on a sheet; the rest is behind the sheet's code."""
    if len(text) <= CORRECTION_ON_A_NOTICE:
        return text
    return _("%(beginning)s……（全文见网页）", beginning=text[:CORRECTION_ON_A_NOTICE])


def _needed(meeting: MeetingView) -> str:
    """How many have to come for the meeting to decide anything; empty where no rule says."""
    if not meeting.quorum:
        return ""
    return _("这个会至少要有 %(quorum)s 人到场。", quorum=meeting.quorum)


def facility_sheet(place: CommunityView, project: ProjectView) -> printing.FacilitySheet:
    """The sheet for a finished facility; its code is the same for every round of rating."""
    link = base_url() + _path("ratings.show", code=place.code, project_code=project.code)
    return printing.FacilitySheet(
        title=project.title,
        invitation=_("用得好不好，请您评一评"),
        upkeep=_("管理和维护：%(who)s", who=project.upkeep_by) if project.upkeep_by else "",
        link=link,
        address_words=words_of(link),
    )


def result_notice(place: CommunityView, result: ResultView) -> printing.ResultNotice:
    """The notice of a closed poll."""
    poll = result.poll
    record = words_of(base_url()) + _path("exports.record", code=place.code)
    return printing.ResultNotice(
        heading=_("投票结果公示") if poll.published_at else _("投票初步结果"),
        kind=poll.kind_name,
        title=poll.title,
        outcome=result.sentence,
        tests=tuple(printing.NoticeTest(test.text, test.passed) for test in result.tests),
        figures=_figures(result),
        turnout=_turnout(result),
        publication=_publication(place, poll),
        record_words=record,
        checkpoint=latest_checkpoint(place.id) or "",
        date=day_text(poll.published_at or poll.closed_at or clock.now()),
    )


def _figures(result: ResultView) -> printing.Figures:
    table = showing.table(result)
    return printing.Figures(table.headers, table.rows)


def _turnout(result: ResultView) -> tuple[str, ...]:
    heads = result.poll.heads
    line = _(
        "应参加 %(heads)s 户，实际参加 %(turnout)s 户（%(percent)s）。",
        heads=f"{heads:,}",
        turnout=f"{result.turnout:,}",
        percent=words.percent(result.turnout, heads),
    )
    return (line, result.poll.effect)


def _publication(place: CommunityView, poll: PollView) -> tuple[str, ...]:
    if poll.publication_until is None:
        return (_("这是截止时自动计出的初步结果，公示期由居委会公布后开始。"),)
    return (
        _("公示到 %(until)s。", until=end_text(poll.publication_until)),
        _(
            "对结果有异议的，请在公示期内到社区服务台（%(office)s，电话 %(phone)s）提出。",
            office=place.office,
            phone=place.desk_phone,
        ),
    )


def result_form(place: CommunityView, result: ResultView) -> printing.ResultForm:
    """All figures of a closed poll, for signing and filing."""
    poll = result.poll
    channels = showing.channels(result)
    return printing.ResultForm(
        kind=poll.kind_name,
        title=poll.title,
        outcome=result.sentence,
        facts=_result_facts(result),
        rules=poll.rules_in_words,
        figures=_figures(result),
        tests=tuple(printing.NoticeTest(test.text, test.passed) for test in result.tests),
        channels=tuple(channels) or ((_("不分开公布"), _("有一种方式不足 20 户，分开会看出是谁")),),
        life=tuple((step.title, step.at_text) for step in showing.life(poll) if step.done),
        record_words=words_of(base_url()) + _path("exports.record", code=place.code),
        checkpoint=latest_checkpoint(place.id) or "",
        made=_("%(at)s 由系统按记录生成", at=time_text(clock.now())),
    )


def _result_facts(result: ResultView) -> tuple[tuple[str, str], ...]:
    poll = result.poll
    shown = [
        (_("效力"), poll.effect),
        (_("谁来投"), poll.who),
        (_("应参加"), _("%(heads)s 户", heads=f"{poll.heads:,}")),
        (
            _("实际参加"),
            _(
                "%(turnout)s 户（%(percent)s）",
                turnout=f"{result.turnout:,}",
                percent=words.percent(result.turnout, poll.heads),
            ),
        ),
    ]
    if poll.method is Method.CHOOSE:
        shown.append((_("每户最多选"), _("%(k)s 项", k=poll.rules.k)))
    return tuple(shown)


def took_part(address: HouseholdAddress, polls: Sequence[TookPart]) -> printing.TookPart:
    """The certificate that a household took part, and in what."""
    return printing.TookPart(
        address=address.text,
        polls=tuple((poll.title, poll.kind_name, day_text(poll.cast_at)) for poll in polls),
        made=day_text(clock.now()),
    )


def proxy_form(poll: PollView, address: str, serial: str) -> printing.ProxyForm:
    """A written authority for one poll, to be signed by hand; without an address it is blank."""
    return printing.ProxyForm(
        title=poll.title,
        closes=time_text(poll.closes_at),
        address=address,
        serial=serial,
        printed=_("%(day)s印。", day=day_text(clock.now())),
    )


def receipt(
    place: CommunityView, view: BallotView, choice: str, *, at_desk: bool = False
) -> printing.Receipt:
    """A member's own receipt, in the language they read; nobody else can ask for it.

    `at_desk` says that a clerk did it for them: they have no phone on which to change it.
    """
    poll = view.poll
    locale = get_locale()
    facts = [
        (_("时间"), time_text(view.cast_at) if view.cast_at else ""),
        (_("您的选择"), choice),
        (_("本户"), view.address),
    ]
    if at_desk:
        facts.append((_("怎么投的"), _("本人在社区服务台，由工作人员代为操作")))
    return printing.Receipt(
        lang=locale.language if locale is not None else "zh",
        heading=_("已收到"),
        title=poll.title,
        facts=tuple(facts),
        code_title=_("核对码"),
        groups=tuple(view.check_code.split("-")),
        code_words=_(
            "截止以后，凭它可以在公开记录里找到这张选票，核对它被原样计入。"
            "谁拿到核对码，谁就能看到这张选票选了什么，请自己收好，不要发给别人。"
        ),
        record_words=_(
            "公开记录：%(address)s",
            address=words_of(base_url()) + _path("exports.record", code=place.code),
        ),
        checkpoint_title=_("此刻最新的校验点（给想自己核对的人）"),
        checkpoint=latest_checkpoint(place.id) or "",
        foot=_receipt_foot(place, poll, at_desk=at_desk),
    )


def _receipt_foot(place: CommunityView, poll: PollView, *, at_desk: bool) -> str:
    until = time_text(poll.closes_at)
    if poll.phase is not Phase.OPEN:
        change = _("投票已于%(at)s截止，不能再改。", at=until)
    elif at_desk:
        change = _("想改的话，%(until)s以前再来服务台，以最后一次为准。", until=until)
    else:
        change = _("想改的话，%(until)s以前回到选票重新提交，以最后一次为准。", until=until)
    if not place.desk_phone:
        return change
    return change + _("有疑问请打社区服务台电话 %(phone)s。", phone=place.desk_phone)

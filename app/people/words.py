"""What people are told about getting in, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock, web
from app.core.errors import RuleBroken
from app.core.times import date_text, full_day_text, time_text
from app.people.models import HouseholdNoticeKind, PersonNoticeKind
from app.people.rules import CodeState, EndedWhy, JoinedBy, RevealReason

if TYPE_CHECKING:
    from app.communities.titles import OwnUnit
    from app.people.member_queries import MemberLine

# Why a whole phone number is looked at.
REVEAL_REASONS = {
    RevealReason.NEWS: _l("有变动，要打电话通知住户"),
    RevealReason.LETTER: _l("信或通知没有送到"),
    RevealReason.IDENTITY: _l("当面核对身份"),
    RevealReason.ASKED: _l("住户请我们回电话"),
    RevealReason.DANGER: _l("有危险，要马上联系"),
}


AT_DESK = frozenset(
    {
        HouseholdNoticeKind.VOTED_AT_DESK,
        HouseholdNoticeKind.VOTE_CHANGED_AT_DESK,
        HouseholdNoticeKind.VOTE_HANDED_ON,
        HouseholdNoticeKind.SIGNED_AT_DESK,
        HouseholdNoticeKind.UNSIGNED_AT_DESK,
        HouseholdNoticeKind.WROTE_AT_DESK,
        HouseholdNoticeKind.PROPOSED_AT_DESK,
        HouseholdNoticeKind.JOINED_AT_DESK,
    }
)
NOT_SIGNED = _l("没有写过委托书的，请在“我的”里“委托投票”收回，或者马上打服务台电话。")
TOO_LATE_TO_TAKE_BACK = _l("没有写过委托书的，请马上打服务台电话，在截止以前带上证件到服务台改。")
NOT_OURS = _l(
    "不是您家的人办的，请在“我的”里“谁进来过”找到“服务台现场代办”，点“不认识”，或者打服务台电话。"
)
# What somebody did with a sheet that the household is said to have signed, and what helps then.
BY_SHEET = {
    HouseholdNoticeKind.PROXY_GIVEN.value: NOT_SIGNED,
    HouseholdNoticeKind.PROXY_VOTED.value: TOO_LATE_TO_TAKE_BACK,
}


def notice(kind: str, at: datetime, about: str) -> str:
    """A line that a household is told: 5月20日（周三）10:03，本户已投票."""
    what = {
        HouseholdNoticeKind.JOINED: _("有人用本户的编码进入了"),
        HouseholdNoticeKind.VOTED: _("本户已投票"),
        HouseholdNoticeKind.VOTE_CHANGED: _("本户改过选票"),
        HouseholdNoticeKind.VOTED_AT_DESK: _("本户有人在社区服务台现场投了票，由工作人员代为操作"),
        HouseholdNoticeKind.VOTE_CHANGED_AT_DESK: _(
            "本户有人在社区服务台现场改过选票，由工作人员代为操作"
        ),
        HouseholdNoticeKind.VOTE_HANDED_ON: _("服务台当面办过，换了由谁改本户的选票"),
        HouseholdNoticeKind.PROXY_GIVEN: _("服务台登记了本户的委托书，有人可以替本户投一次票"),
        HouseholdNoticeKind.PROXY_HELD: _("服务台登记了委托书，有一户请您家替它投一次票"),
        HouseholdNoticeKind.PROXY_ENDED: _("本户的委托书收回了，别人不能再替本户投票"),
        HouseholdNoticeKind.PROXY_NO_LONGER_HELD: _("有一户收回了给您家的委托书"),
        HouseholdNoticeKind.PROXY_VOTED: _("持委托书的人替本户投了票"),
        HouseholdNoticeKind.PROXY_CHANGED_VOTE: _("持委托书的人改了替本户投的票"),
        HouseholdNoticeKind.PAPER_ASKED: _("登记了本户要纸质材料"),
        HouseholdNoticeKind.PAPER_ENDED: _("本户不再要纸质材料了"),
        HouseholdNoticeKind.PAPER_HANDED: _("纸质材料送到了本户"),
        HouseholdNoticeKind.VISIT_ASKED: _("登记了请工作人员上门"),
        HouseholdNoticeKind.VISIT_PLANNED: _("约好了上门，两位工作人员一起来"),
        HouseholdNoticeKind.VISIT_DONE: _("工作人员上门来过"),
        HouseholdNoticeKind.VISIT_NOBODY: _("工作人员上门来过，家里没有人；还要的话请再约"),
        HouseholdNoticeKind.VISIT_UNWANTED: _("上门取消了"),
        HouseholdNoticeKind.SIGNED_AT_DESK: _(
            "本户有人在社区服务台现场签了居民公约，由工作人员代为操作"
        ),
        HouseholdNoticeKind.UNSIGNED_AT_DESK: _(
            "本户有人在社区服务台现场撤回了公约的签署，由工作人员代为操作"
        ),
        HouseholdNoticeKind.WROTE_AT_DESK: _(
            "本户有人在社区服务台现场提了一条意见，由工作人员代为操作"
        ),
        HouseholdNoticeKind.PROPOSED_AT_DESK: _(
            "本户有人在社区服务台现场提了一个议题，由工作人员代为操作"
        ),
        HouseholdNoticeKind.JOINED_AT_DESK: _(
            "本户有人在社区服务台现场报名参加会议，由工作人员代为操作"
        ),
        HouseholdNoticeKind.CODE_REISSUED: _("本户换了新的信"),
        HouseholdNoticeKind.CODE_UNLOCKED: _("服务台解开了本户的编码"),
        HouseholdNoticeKind.CODE_REVOKED: _("服务台作废了本户的编码"),
        HouseholdNoticeKind.TOOK_PART_PRINTED: _("服务台给本户打印了参加证明"),
        HouseholdNoticeKind.CONFIRMED_AT_DESK: _("有人在服务台用本户身份办过进入"),
        HouseholdNoticeKind.PHONE_SEEN: _("服务台看过本户登记的完整电话"),
        HouseholdNoticeKind.MEMBER_CONTESTED: _("家里有人不认识一部进来过的手机，请服务台核实"),
        HouseholdNoticeKind.MEMBER_UNUSED: _("家里有人到服务台说，一部手机不用了"),
        HouseholdNoticeKind.MEMBER_ENDED: _("服务台核实过，一部不认识的手机已请出本户"),
        HouseholdNoticeKind.MEMBER_RETIRED: _("服务台核实过，一部不用了的手机已请出本户"),
        HouseholdNoticeKind.MEMBER_KEPT: _("服务台核实过，有人提出的那部手机留在本户"),
        HouseholdNoticeKind.MEMBER_LEFT: _("有一部手机自己退出了本户"),
        HouseholdNoticeKind.MEMBER_ERASED: _("家里有一位删除了自己的资料，已经退出"),
        HouseholdNoticeKind.MEMBER_COPIED: _("家里有一位在服务台当面要了一份自己的资料"),
        HouseholdNoticeKind.OWNER_CONFIRMED: _("服务台看过证件，家里有一位是业主"),
        HouseholdNoticeKind.OWNER_ENDED: _("服务台取消了家里核对过的业主"),
        HouseholdNoticeKind.AGE_CONFIRMED: _("服务台核对过，家里有一位满 18 周岁"),
        HouseholdNoticeKind.CORRECTION_ASKED: _("本户有人请服务台更正底册"),
        HouseholdNoticeKind.CORRECTION_ANSWERED: _("服务台答复了本户提的更正"),
        HouseholdNoticeKind.ROLL_CORRECTED: _("服务台更正了底册上本户的登记"),
        HouseholdNoticeKind.OWNER_CHANGED: _("服务台办了换房主，以前进来的都退出了"),
        HouseholdNoticeKind.MOVED_OUT: _("服务台办了搬走，以前进来的都退出了"),
    }[HouseholdNoticeKind(kind)]
    if kind == HouseholdNoticeKind.PHONE_SEEN:
        about = str(REVEAL_REASONS[RevealReason(about)])
    line = _("%(at)s，%(what)s", at=time_text(at), what=what)
    line = _("%(line)s（%(about)s）", line=line, about=about) if about else line
    more = BY_SHEET.get(kind) or (NOT_OURS if kind in AT_DESK else "")
    return _("%(line)s。%(more)s", line=line, more=more) if more else line


def came_in(at: datetime) -> str:
    """What a kept line says of a member that has no name: 5月20日（周三）10:03进来的那一部."""
    return _("%(at)s进来的那一部", at=time_text(at))


def joined(at: datetime, by: JoinedBy | None) -> str:
    """A member's line: 5月20日（周三）10:03，用信上的编码进来."""
    sentence = {
        JoinedBy.LETTER: _("%(at)s，用信上的编码进来"),
        JoinedBy.DESK: _("%(at)s，用服务台给的六位数进来"),
        JoinedBy.PRESENT: _("%(at)s起，服务台现场代办（没有手机，由工作人员代为操作）"),
        None: _("%(at)s进来"),
    }[by]
    return sentence % {"at": time_text(at)}


def last_seen(at: datetime | None) -> str:
    """The day a member was last here, no closer; empty when no session of theirs is kept."""
    if at is None:
        return ""
    if clock.day_of(at) == clock.day_of(clock.now()):
        return _("最近一次来：今天")
    return _("最近一次来：%(day)s", day=date_text(at))


@dataclass(frozen=True, slots=True)
class MemberWords:
    """A member's line in words. `own` is the reader's; `contested` says since when somebody doubts.

    `doubted_by` tells the desk which member that somebody is, and whether they are still in.
    """

    member_id: int
    joined: str
    seen: str
    own: bool
    contested: str
    unused: bool
    doubted_by: str
    at_desk: bool
    age: str
    owner: str
    age_confirmed: bool
    minor: bool
    ended: str


@dataclass(frozen=True, slots=True)
class UnitWords:
    """A unit of an owner's in words."""

    address: str
    area: str


def members(lines: Sequence[MemberLine], reader: int | None) -> list[MemberWords]:
    """The members of a household as the person `reader` of it sees them, or the desk with None.

    Nobody is told that they are contested themselves: the desk asks first.
    """
    return [_member_words(line, own=line.person_id == reader) for line in lines]


def _member_words(line: MemberLine, *, own: bool) -> MemberWords:
    at = line.contested_at if not own else None
    return MemberWords(
        line.member_id,
        joined(line.joined_at, line.joined_by),
        last_seen(line.seen_at),
        own,
        _contested(line, at) if at is not None else "",
        line.unused,
        _doubted_by(line),
        line.joined_by is JoinedBy.PRESENT,
        _age_words(line),
        _owner_words(line),
        line.age_confirmed,
        line.minor,
        _("%(at)s退出了这一户", at=time_text(line.ended_at)) if line.ended_at else "",
    )


def _contested(line: MemberLine, at: datetime) -> str:
    if line.unused:
        return _("%(at)s有家人说，这部手机不用了。", at=time_text(at))
    return _("%(at)s有家人说不认识。", at=time_text(at))


def _age_words(line: MemberLine) -> str:
    """What is known of a member's age, where it is more than their own tick."""
    if line.minor:
        return _("自己说 14 到 17 周岁，不投票、不签名")
    return _("服务台核对过，满 18 周岁") if line.age_confirmed else ""


def _owner_words(line: MemberLine) -> str:
    """Until when a member counts as an owner by what the desk has seen; empty for others."""
    if line.owner_until is None:
        return ""
    return _("服务台看过证件，是业主，有效到 %(at)s", at=full_day_text(line.owner_until))


def area_text(area_c: int | None) -> str:
    """An area of 0.01 m² units as people write it: 89.04 平方米; empty for none."""
    if area_c is None:
        return ""
    return _("%(area)s 平方米", area=f"{area_c // 100}.{area_c % 100:02d}")


def unit_line(unit: OwnUnit) -> UnitWords:
    """A unit of an owner's with its area and where that comes from."""
    if unit.unit_type == "parking":
        return UnitWords(unit.address, _("车位，不算面积"))
    sentence = {
        "registered": _("%(area)s，产权证登记的面积"),
        "surveyed": _("%(area)s，测绘的面积，没有登记面积"),
        "contract": _("%(area)s，合同上的面积，没有登记和测绘面积"),
    }.get(unit.basis)
    if sentence is None or unit.area_c is None:
        return UnitWords(unit.address, _("没有登记面积"))
    return UnitWords(unit.address, sentence % {"area": area_text(unit.area_c)})


def _doubted_by(line: MemberLine) -> str:
    if line.contester_joined_at is None:
        return ""
    if line.contester_at_desk:
        return _("提出的人：本人到服务台，当面提出的。")
    sentence = (
        _("提出的人：%(at)s进来的那一部手机。")
        if line.contester_is_in
        else _("提出的人：%(at)s进来的那一部手机，现在已经退出。")
    )
    return sentence % {"at": time_text(line.contester_joined_at)}


def person_notice(kind: PersonNoticeKind, at: datetime, news: str = "") -> str:
    """A line of an inbox: 5月20日（周三）10:03，您的意见已公布.

    `news` are the words of the room it happened in; it knows more than the kind says.
    """
    what = (
        news
        or {
            PersonNoticeKind.POST_PUBLISHED: _("您的意见已公布"),
            PersonNoticeKind.POST_RETURNED: _("您的意见退回来了"),
            PersonNoticeKind.POST_HIDDEN: _("您的意见被隐藏了"),
            PersonNoticeKind.POST_ANSWERED: _("您的意见有了回应"),
            PersonNoticeKind.POST_DISPOSED: _("您的意见有了处理结果"),
            PersonNoticeKind.APPEAL_ANSWERED: _("您的申诉有了答复"),
            PersonNoticeKind.TOPIC_MOVED: _("您提的议题有了进展"),
            PersonNoticeKind.MEETING_PLACE: _("有空位了，您已从候补转为参加"),
            PersonNoticeKind.MEETING_CHANGED: _("您报名的会有变动"),
            PersonNoticeKind.REVISED: _("您提过意见的方案有了新版"),
            PersonNoticeKind.RATE_AGAIN: _("返修完了，请您再评一次"),
            PersonNoticeKind.CONVENTION_RENEWED: _("您签过的公约有了新的一版，请看改了哪里"),
            PersonNoticeKind.DESIGN_PUBLISHED: _("您的设计方案已公布"),
            PersonNoticeKind.DESIGN_RETURNED: _("您的设计方案退回来了，理由在方案页上"),
            PersonNoticeKind.SESSION_CALLED: _("请您来设计师进社区的会"),
            PersonNoticeKind.SESSION_POSTPONED: _("设计师进社区的会延期了"),
            PersonNoticeKind.ACTING_GIVEN: _("您可以代表这个单位了"),
            PersonNoticeKind.ACTING_ENDED: _("您不再代表这个单位"),
        }[kind]
    )
    return _("%(at)s，%(what)s", at=time_text(at), what=what)


def code_state(state: CodeState) -> tuple[str, str]:
    """A code's state as a badge: kind and word."""
    return {
        CodeState.NONE: ("", _("还没发信")),
        CodeState.VALID: ("go", _("有效")),
        CodeState.LOCKED: ("stop", _("锁住了")),
        CodeState.REVOKED: ("wait", _("已作废")),
        CodeState.EXPIRED: ("wait", _("过期了")),
    }[state]


def browser_name(kind: str) -> str:
    """A kind of browser as people call it: 手机 · 微信."""
    device, _dot, name = kind.partition(".")
    parts = [
        {"phone": _("手机"), "tablet": _("平板"), "computer": _("电脑")}.get(device, ""),
        {
            "wechat": _("微信"),
            "dingtalk": _("钉钉"),
            "qq": _("QQ 浏览器"),
            "huawei": _("华为浏览器"),
            "edge": "Edge",
            "firefox": "Firefox",
            "chrome": "Chrome",
            "safari": "Safari",
        }.get(name, ""),
    ]
    return " · ".join(part for part in parts if part) or _("认不出的设备")


def part_line(name: str, homes: int) -> str:
    """A part of the community in a list to choose from: 槐香里一区 12甲号楼（36 户）."""
    return _("%(part)s（%(homes)s 户）", part=name, homes=f"{homes:,}")


def refused() -> str:
    """The one sentence for an unknown code, a wrong second fact and a locked code."""
    return _(
        "编码和后四位对不上，没有进去。请照着信再输一次；还不行，请到社区服务台，工作人员当场帮您办。"
    )


def ended(entry: str) -> str:
    """Why somebody with both facts right still did not get in."""
    return {
        "expired": _("这封信过期了，没有进去。请到社区服务台换一封新的。"),
        "revoked": _("这封信已经作废，没有进去。请用最新的一封；找不到的话，请到社区服务台。"),
        "full": _(
            "本户进来的手机已经满了，没有再加。有不用了的手机，请到社区服务台当场请出去，再进来。"
        ),
        "too_many": _("您名下已经有 10 户了，没有再加。不住的请先退出，或者到社区服务台问问。"),
    }.get(entry, refused())


def put_out(why: str, at: datetime, address: str) -> str:
    """Why somebody is not in a household any more; without an address, of the phone at hand."""
    when = time_text(at)
    sentence = {
        EndedWhy.CONTESTED: _(
            "家里有人说不认识这部手机，社区服务台当面核实以后，%(at)s把它请出了这一户。"
        ),
        EndedWhy.UNUSED: _("家里有人在社区服务台说这部手机不用了，%(at)s把它请出了这一户。"),
        EndedWhy.MOVED: _("社区服务台%(at)s给这一户办了搬走，以前进来的都退出了。"),
        EndedWhy.OWNER: _("这一户换了房主，社区服务台%(at)s办的，以前进来的都退出了。"),
    }[EndedWhy(why)] % {"at": when}
    advice = _("弄错了的话，请带上能证明住址的东西，到社区服务台。")
    if address:
        return _("%(address)s：%(line)s%(more)s", address=address, line=sentence, more=advice)
    return _("您已经不在原来那一户里了。%(line)s%(more)s", line=sentence, more=advice)


def _age(error: RuleBroken) -> str:
    return {
        "age.minor": _(
            "未满 18 周岁的可以看、可以提意见，不投票、不签名，这次没有存上。"
            "满了 18 周岁，请带身份证到社区服务台说一声。"
        ),
        "age.not_confirmed": _(
            "这次是居民会议表决，要先在社区服务台核对过您满 18 周岁。您这一张没有存上。"
            "请带身份证到服务台看一眼（不留号码），再回来投；在服务台现场投也行。"
        ),
        "age.known": _("这一位的年龄已经核对过了，什么都没有改动。"),
    }[error.code]


def _owner(error: RuleBroken) -> str:
    return {
        "owner.nobody": _("底册上这一户没有产权人，没法核对。什么都没有改动。请先更正底册。"),
        "owner.contested": _("有家人说不认识这一位，请先核实是不是自家人。什么都没有改动。"),
        "owner.minor": _("这一位未满 18 周岁，由监护人来办。什么都没有改动。"),
        "owner.known": _("这一位已经核对过是业主了，什么都没有改动。"),
    }[error.code]


def _broken(error: RuleBroken) -> str:
    return {
        "enrol.not_adult": _(
            "还没有说年龄，没有进去。满 18 周岁的请打勾；"
            "14 到 17 周岁的，请在“未满 18 周岁？”里选。"
        ),
        "enrol.two_ages": _("年龄选了两种，没有进去。请只留对的一种再试。"),
        "enrol.child": _(
            "谢谢你来。未满 14 周岁的小朋友不能自己进来，我们什么都没有记下。"
            "想说的话，请家里大人带着你说，或者一起来社区服务台。"
        ),
        "staff.password_short": _("密码至少 15 个字符。没有保存。"),
        "staff.password_common": _(
            "这个密码容易被猜到：去掉常见的词、日期、手机号、连着的键和重复的部分，剩下的太少。"
            "没有保存，请换一个。"
        ),
        "staff.password_name": _("密码里不要有登录名。没有保存，请换一个。"),
        "staff.name_taken": _("这个登录名已经有人用了。没有保存，请换一个。"),
        "staff.role_is_proposed": _(
            "这个角色要由社区提名、另一个人同意，不能在这里直接给。没有建账号。"
        ),
        "staff.ends_too_soon": _("“到哪天为止”要在今天以后。没有建账号，请改一改。"),
        "staff.not_agreed": _("这个账号还没有生效：要等另一个人同意。没有登录，请问给您纸条的人。"),
        "staff.ended": _("这个账号已经停用，没有登录。还在社区工作的，请找系统管理员重新建一个。"),
        "staff.last_administrator": _("这是最后一位系统管理员，没有停用。请先再建一位。"),
        "staff.in_use": _(
            "已经有人用这个账号登录过，不能重新出纸条。什么都没有改动。请让本人用原来的那张。"
        ),
    }[error.code]


def _account(error: RuleBroken) -> str:
    return {
        "account.not_proved": _("离上次确认本人已经超过 10 分钟。没有保存，请返回上一页再办一次。"),
        "account.same_password": _("新密码和现在的一样。没有保存，请换一个。"),
        "account.no_new_phone": _(
            "新手机的设置没有在等确认：可能已经办好，也可能超过一天作废了。什么都没有改动。"
            "请回到“我的账号”看一看。"
        ),
    }[error.code]


def _passkey(error: RuleBroken) -> str:
    return {
        "passkey.last": _(
            "这是您唯一的登录办法，不能删。什么都没有改动。请先设六位动态码，或者先加另一个通行密钥。"
        ),
        "passkey.too_many": _("通行密钥最多 10 个。没有加。请先删掉不用的。"),
        "passkey.known": _("这个通行密钥已经登记过，没有再加。请换一部设备。"),
    }[error.code]


def _link(error: RuleBroken) -> str:
    return {
        "link.dead": _("这个链接不能用了。什么都没有改动。请找给您链接的人重新出一个。"),
        "link.own": _(
            "自己的账号不能自己重办。什么都没有改动。请到“我的账号”改，或者请另一位管理员办。"
        ),
        "link.not_in_use": _(
            "这个账号还没有人登录过，不用两个人。什么都没有改动。请直接重新出纸条或邀请链接。"
        ),
    }[error.code]


def _codes_changed(error: RuleBroken) -> str:
    return {
        "codes.changed": _(
            "刚才有人也在办这些户的编码，户数和您看到的不一样了。这一次什么都没有改动。"
            "请回到上一页，看清楚再办。"
        ),
    }[error.code]


def _phones_broken(error: RuleBroken) -> str:
    return {
        "phones.none": _("底册上没有登记电话，没有可看的。请核对身份后用“本人到场确认”。"),
    }[error.code]


def _member(error: RuleBroken) -> str:
    return {
        "member.own": _(
            "这是您自己的这部手机，不用核实。什么都没有改动。要退出这一户，请回到“我的”。"
        ),
        "member.not_contested": _(
            "这部手机现在没有人提出不认识，可能刚才已经办过了。什么都没有改动。请回到住户页看一看。"
        ),
        "member.own_household": _("这是您自己家，请另一位工作人员来办。什么都没有改动。"),
        "member.no_word": _("请写一句，家里人好放心。还没有保存。"),
        "member.changed": _(
            "刚才又有人进来，或者别人已经办过搬走，和您看到的不一样了。这一次什么都没有改动。"
            "请回到住户页，看清楚再办。"
        ),
    }[error.code]


web.explain("codes", _codes_changed)
web.explain("phones", _phones_broken)
web.explain("member", _member)
web.explain("owner", _owner)
web.explain("enrol", _broken)
web.explain("age", _age)
web.explain("staff", _broken)
web.explain("account", _account)
web.explain("link", _link)
web.explain("passkey", _passkey)

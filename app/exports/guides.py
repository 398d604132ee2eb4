"""One page of paper for each role: what to do, in which order, with pictures of the real pages.

The pictures lie beside the layout (`templates/print/guide/`) and are taken by `tools/pictures.py`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache

from flask_babel import gettext as _

from app.communities.queries import community_by_code
from app.core.actor import WITHOUT_ACCOUNT, Role
from app.core.errors import NotFound
from app.core.pdf import compile_pdf
from app.core.times import in_record_language

# A guide changes with its desk and with a release: a few are asked for again and again.
KEPT = 64
ROLES = (
    Role.RESIDENT,
    Role.REPRESENTATIVE,
    Role.MEETING_RECORDER,
    Role.CLERK,
    Role.COMMITTEE,
    Role.COMMITTEE_CHAIR,
    Role.SUPERVISOR,
    Role.DESIGNER,
    Role.SUBDISTRICT,
    Role.DISTRICT,
    Role.ADMINISTRATOR,
)
# They come in by their letter, on a phone: set large, phone beside phone.
BY_LETTER = WITHOUT_ACCOUNT | {Role.RESIDENT}
# Whose work is told in another role's guide.
TOLD_BY = {Role.MEETING_CHAIR: Role.MEETING_RECORDER, Role.CITY: Role.DISTRICT}


@dataclass(frozen=True, slots=True)
class Desk:
    """Whom to ask; empty where the guide belongs to no community."""

    community: str = ""
    office: str = ""
    hours: str = ""
    phone: str = ""


def desk_of(code: str) -> Desk:
    """The desk of a community by its code; nobody's without a code. Raises: NotFound."""
    if not code:
        return Desk()
    place = community_by_code(code)
    return Desk(place.name, place.office, place.hours, place.desk_phone)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, with the picture of the page where it is done."""

    title: str
    text: str
    picture: str


@dataclass(frozen=True, slots=True)
class Guide:
    """A role's page. `large` sets it for readers without glasses, phone beside phone."""

    title: str
    lead: str
    entry: str
    steps: tuple[Step, ...]
    remember: tuple[str, ...]
    large: bool
    ask: str
    pictures_note: str


def names() -> dict[Role, str]:
    """Whom there is a guide for, as its title says it."""
    return {
        Role.RESIDENT: _("住户"),
        Role.REPRESENTATIVE: _("居民代表"),
        Role.MEETING_RECORDER: _("会议主持人、记录人"),
        Role.CLERK: _("社区工作人员"),
        Role.COMMITTEE: _("居委会委员"),
        Role.COMMITTEE_CHAIR: _("居委会主任"),
        Role.SUPERVISOR: _("居务监督委员"),
        Role.DESIGNER: _("设计师"),
        Role.SUBDISTRICT: _("街道工作人员"),
        Role.DISTRICT: _("区县、市工作人员"),
        Role.ADMINISTRATOR: _("系统管理员"),
    }


def guide_pdf(role: Role, base_url: str, desk: Desk) -> bytes:
    """A role's guide, A4, one page, Chinese as all paper is. Raises: NotFound without one."""
    with in_record_language():
        return _compiled(guide(role, base_url, desk), desk)


@lru_cache(maxsize=KEPT)
def _compiled(one: Guide, desk: Desk) -> bytes:
    return compile_pdf("guide", asdict(one) | {"desk": asdict(desk)})


def guide(role: Role, base_url: str, desk: Desk) -> Guide:
    """What a role's guide says. Raises: NotFound for a role without one."""
    texts = {
        Role.RESIDENT: (_resident_steps, _resident_notes),
        Role.REPRESENTATIVE: (_representative_steps, _representative_notes),
        Role.MEETING_RECORDER: (_recorder_steps, _recorder_notes),
        Role.COMMITTEE_CHAIR: (_chair_steps, _chair_notes),
        Role.SUBDISTRICT: (_street_steps, _street_notes),
        Role.CLERK: (_clerk_steps, _clerk_notes),
        Role.COMMITTEE: (_member_steps, _member_notes),
        Role.SUPERVISOR: (_supervisor_steps, _supervisor_notes),
        Role.DESIGNER: (_designer_steps, _designer_notes),
        Role.DISTRICT: (_district_steps, _district_notes),
        Role.ADMINISTRATOR: (_administrator_steps, _administrator_notes),
    }
    role = TOLD_BY.get(role, role)
    if role not in texts:
        raise NotFound("guide")
    steps, notes = texts[role]
    resident = role is Role.RESIDENT
    by_letter = role in BY_LETTER
    return Guide(
        title=_("怎么用手机投票") if resident else _("%(role)s一页指南", role=names()[role]),
        lead=_leads()[role],
        entry=base_url.partition("://")[2] + ("/e" if by_letter else "/staff/sign-in"),
        steps=tuple(steps()),
        remember=tuple(notes()),
        large=by_letter,
        ask=_asks(desk),
        pictures_note=_("图是演示城市的真实页面，里面的人、房子和票都是虚构的。"),
    )


def _asks(desk: Desk) -> str:
    if not desk.phone:
        return _("有不明白的，网站底部“怎么用”里有词语解释，也可以打社区服务台电话。")
    return _(
        "不明白、不方便用手机的，请打 %(phone)s，或到%(office)s，当面办。%(hours)s",
        phone=desk.phone,
        office=desk.office,
        hours=desk.hours,
    )


def _leads() -> dict[Role, str]:
    return {
        Role.RESIDENT: _("一户一票。带上信，三步就好，两三分钟。"),
        Role.REPRESENTATIVE: _("替几栋楼的邻居说话：会前问一圈，会上说清楚，会后告诉大家。"),
        Role.MEETING_RECORDER: _("您只管这一个会。纪要确认以后，这个角色自动结束。"),
        Role.COMMITTEE_CHAIR: _("委员能办的您都能办；工作人员、居民代表由您来同意。"),
        Role.SUBDISTRICT: _("社区办不了的事提到您这里：接下一起商量，或者退回去。"),
        Role.CLERK: _("每天先看“今天要办”，办完一件，它就少一件。"),
        Role.COMMITTEE: _("您管项目和投票：写清楚，问明白，开放以后谁也不能改。"),
        Role.SUPERVISOR: _("您不经手投票，只看它办得对不对，谁不服来找您。"),
        Role.DESIGNER: _("给项目出方案：让居民能比，说清花多少、放弃什么。"),
        Role.DISTRICT: _("看各社区办到哪一步。只列事实，不排名次。"),
        Role.ADMINISTRATOR: _("您管安装和开户。户底册和选票，您看不到，也改不了。"),
    }


def _resident_steps() -> list[Step]:
    return [
        Step(
            _("扫信上的码"),
            _("微信“扫一扫”。再填手机号后四位，勾上“已满 18 周岁”，点“进入”。"),
            "enter",
        ),
        Step(_("选好，提交"), _("点一个选项，再点“提交选票”。截止以前都可以改。"), "ballot"),
        Step(_("看到“已收到”"), _("就是投好了。下面的核对码自己收好，别发给别人。"), "receipt"),
    ]


def _resident_notes() -> list[str]:
    return [
        _("字小？点右上角“换长辈版”。"),
        _("扫不了？在手机浏览器输入上面的网址，再输信上的编码。"),
        _("有事想让大家商量？点下面的“议事”，再点“提一个议题”。"),
        _("没有人会打电话、发短信要您的编码。要的，都是骗人的。"),
    ]


def _representative_steps() -> list[Step]:
    return [
        Step(_("像平时一样进来"), _("用信上的编码。您还是住户，投票、签公约都一样。"), "enter"),
        Step(
            _("我的，我是居民代表"),
            _("您代表哪几栋楼、要开的会、等您看的纪要，都在这一页。"),
            "representative",
        ),
        Step(_("来开会"), _("看议程，报名，到场签到。来不了，早点告诉服务台。"), "meeting_page"),
    ]


def _representative_notes() -> list[str]:
    return [
        _("纪要是别人写的，您看过没有错，可以由您确认。"),
        _("您看不到邻居投了什么，也看不到户底册。"),
        _("不想当了，点“辞去”，马上生效。"),
    ]


def _recorder_steps() -> list[Step]:
    return [
        Step(_("像平时一样进来"), _("用信上的编码。在“我的”里点“我主持或者记录的会”。"), "enter"),
        Step(_("签到"), _("到一位记一位。只选年龄段，不写姓名。"), "recorder"),
        Step(
            _("记录人写纪要，主持人确认"),
            _("一个人写，另一个人看过再确认。不写姓名和门牌。"),
            "minutes",
        ),
    ]


def _recorder_notes() -> list[str]:
    return [
        _("别的会、户底册、投票，您都看不到。"),
        _("人数不够，会照开，但不能形成协商意见。"),
        _("不同意见也要写进去。"),
    ]


def _chair_steps() -> list[Step]:
    return [
        Step(_("今天要办"), _("有提名等您定，会排在这里。"), "today"),
        Step(
            _("谁在做什么"),
            _("谁有什么角色、到哪天为止，一眼看清。不合适的在这里结束。"),
            "roles",
        ),
        Step(
            _("定一份提名"), _("别人提名，您同意或者不同意。不同意的写明为什么。"), "role_proposal"
        ),
        Step(_("代核人"), _("没有第二个人可以同意的时候，请监督委员代为同意。"), "stand_in"),
        Step(_("确认纪要"), _("工作人员或者记录人写的纪要，您看过没有错，再确认。"), "meeting"),
    ]


def _chair_notes() -> list[str]:
    return [
        _("自己提名的，自己不能同意；自己的角色，自己不能给。"),
        _("监督委员由您提名，由街道、区里同意，您不能结束。"),
        _("给、不给、结束都记入公开记录，只写角色，不写姓名。"),
    ]


def _street_steps() -> list[Step]:
    return [
        Step(
            _("街道首页"),
            _("提上来的议题、等审核的意见、等您定的提名，先列在这里。"),
            "street",
        ),
        Step(_("提级议题"), _("接下，选哪几个社区一起商量；办不了的写明理由退回。"), "lifted"),
        Step(
            _("审核和答复"),
            _("几个社区的意见都由您审核、答复。居民不服，由区里的人复核。"),
            "shared_desk",
        ),
        Step(
            _("设置"), _("公示几天、提前几天公告，这里定的，各社区没有自己定就用它。"), "settings"
        ),
        Step(_("公开记录"), _("街道办的每一步都有记录，谁都可以核对。"), "record"),
    ]


def _street_notes() -> list[str]:
    return [
        _("意见都审核、答复了，才能公布协商结果；公布了不能改。"),
        _("您看不到户底册，也看不到哪一户投了什么。"),
        _("数字不作考核、不排名：排名会逼出假的参加率。"),
    ]


def _clerk_steps() -> list[Step]:
    return [
        Step(_("今天要办"), _("到期的、等审核的、等第二个人的，都在这里。从上往下办。"), "today"),
        Step(_("户底册"), _("上传 Excel，先看预览，再点“确认导入”。改过的表可以再传。"), "roll"),
        Step(_("印信"), _("一户一页，按楼送到户。重印的，旧信作废。"), "letters"),
        Step(
            _("住户来办事"),
            _("按门牌找到这一户：解锁、重印、本人到场给六位数。先看证件。"),
            "households",
        ),
        Step(_("议题"), _("审核、立项、发公告、开会、公示，页面最上面总写着下一步。"), "topics"),
        Step(_("意见审核"), _("48 小时内办。批评照样公布；退回、隐藏要选理由。"), "posts"),
    ]


def _clerk_notes() -> list[str]:
    return [
        _("公布结果以后开始公示，至少 15 天；公布了不能撤。"),
        _("您看不到哪一户选了什么，谁也看不到。"),
        _("30 分钟不动会自动退出。离开座位请点“退出”。"),
    ]


def _member_steps() -> list[Step]:
    return [
        Step(_("登记项目"), _("花多少、钱从哪来、以后谁管，写清楚。合计要等于预算。"), "projects"),
        Step(_("起草投票"), _("一个项目问同意不同意，几个项目就从里面选。先预览。"), "draft"),
        Step(_("开放投票"), _("开放以后，题目、名单、时间都不能再改，到时间自动截止。"), "votes"),
        Step(_("会议"), _("签到、写纪要。纪要由另一个人写，您确认以后才公布。"), "meeting"),
        Step(_("评价和返修"), _("建好请大家评；低分的开返修任务，修好再评一次。"), "ratings"),
        Step(_("意见"), _("每条意见都要说采纳、部分采纳还是不采纳，并写理由。"), "posts"),
    ]


def _member_notes() -> list[str]:
    return [
        _("意愿征集只供参考，代替不了业主共同决定和居民会议。"),
        _("截止以前只看得到多少户参加，看不到各项得票。"),
        _("您和工作人员各管一段，是为了有两个人。"),
    ]


def _supervisor_steps() -> list[Step]:
    return [
        Step(_("看参加情况"), _("规则、名单、多少户参加，都看得到；谁选了什么看不到。"), "watch"),
        Step(_("复核申诉"), _("居民不服退回或隐藏，会到您这里。原来经手的人不能复核。"), "appeals"),
        Step(_("导出存档"), _("全部记录带签名，没有姓名电话。每次投票前后各导一份。"), "records"),
        Step(
            _("自己数一遍"),
            _("下载核对程序，在电脑上对存档运行：对就是对，错会说哪里错。"),
            "record",
        ),
    ]


def _supervisor_notes() -> list[str]:
    return [
        _("把校验点抄在本子上或拍下来：以后谁改了记录，一核对就知道。"),
        _("纪要可以由您作为第二个人确认。"),
        _("发现不对，先不动，记下时间，告诉街道。"),
    ]


def _designer_steps() -> list[Step]:
    return [
        Step(_("我的方案"), _("谁的意见等您回应，最先列出来。"), "designer"),
        Step(
            _("发布方案"),
            _("至少两套：花多少、每年多少、适合谁、放弃什么，用大白话写。"),
            "proposal",
        ),
        Step(_("居委会看过才公布"), _("公布以后居民写意见，您逐条回应。"), "design"),
        Step(_("出新的一版"), _("说明改了什么、因为哪条意见；提意见的人会收到消息。"), "revise"),
    ]


def _designer_notes() -> list[str]:
    return [
        _("图里不要有人脸和车牌。"),
        _("造价写到元，明细要对得上。"),
        _("进社区见面会，提前七天发公告，请居委会帮您发。"),
    ]


def _district_steps() -> list[Step]:
    return [
        Step(_("各社区一览"), _("户数、议题、投票、项目、评价、逾期返修，按名称排。"), "district"),
        Step(_("公示栏"), _("点社区名，看它对居民公布过的一切，和居民看到的一样。"), "board"),
        Step(_("公开记录"), _("每一步都有记录，谁都可以核对。校验点请定期存一份。"), "record"),
        Step(
            _("定一份提名"),
            _("居委会主任、委员、监督委员由您这里同意，别人提名。"),
            "role_proposal",
        ),
        Step(_("设置"), _("这里定的，下面各级没有自己定就用它。不能低于法律。"), "settings"),
        Step(_("导出"), _("需要时导出社区的存档核对，里面没有姓名、电话和地址。"), "records"),
    ]


def _district_notes() -> list[str]:
    return [
        _("您看不到户底册，也看不到哪一户投了什么。"),
        _("数字不作考核、不排名：排名会逼出假的参加率。"),
        _("街道退回、隐藏意见，居民不服的，由区里的另一个人复核。"),
    ]


def _administrator_steps() -> list[Step]:
    return [
        Step(_("系统"), _("运行情况、没建完的社区，都在这里。坏的排在最前面。"), "system"),
        Step(_("新建社区"), _("五步，十来分钟。随时可以停下，下次接着建。"), "start"),
        Step(_("登录纸条"), _("只显示一次，当面交给本人。没用过的可以重新出一张。"), "slip"),
        Step(_("交接"), _("社区工作人员登录后，照“开始使用”五步做，您不用管。"), "handover"),
    ]


def _administrator_notes() -> list[str]:
    return [
        _("两位管理员，两个人，各拿各的纸条。"),
        _("每天备份，定期演练恢复：没恢复过的备份不算备份。"),
        _("签名的钥匙放在数据库和备份以外的地方。"),
    ]

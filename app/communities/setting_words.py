"""Settings in plain sentences: what each is, its unit, and where a value comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.communities import standard_words
from app.communities.models import Level
from app.communities.setting_rules import CATALOGUE, NO, YES, Law, Sort
from app.communities.standards import FIGURES
from app.core import clock, web
from app.core.words import counted

if TYPE_CHECKING:
    from app.communities.setting_rules import Held, Setting
    from app.communities.settings import Shown
    from app.core.errors import RuleBroken


def label(key: str) -> str:
    """A setting as people call it."""
    if key in FIGURES:
        return standard_words.figure_name(key)
    return {
        "publication_days": _("结果公示几天"),
        "notice_days": _("协商会提前几天公告"),
        "code_valid_days": _("住户编码管多久"),
        "members_per_household": _("一户最多几个人（几部手机）"),
        "keep_choices_days": _("选票的选择留多久"),
        "owners_advisory": _("业主的决定只作参考"),
        "age_at_desk": _("居民会议表决，先在服务台核对年龄"),
        "complaint_phone": _("投诉和咨询电话"),
        "operator": _("页面底部写的负责单位"),
        "icp": _("ICP 备案号"),
    }[key]


def about(key: str) -> str:
    """What a setting does, and from when a change counts."""
    if key in FIGURES:
        return standard_words.about(FIGURES[key])
    return {
        "publication_days": _("投票结果和协商意见公示的整天数。已经在公示的，期满的日子不变。"),
        "notice_days": _("居民会议按法律至少 10 天，其他形式按这里的天数。已经发的公告不变。"),
        "code_valid_days": _("从印信那天算起。已经印出来的信，到期的日子不变。"),
        "members_per_household": _("已经进来的人不受影响，满了以后不能再进。"),
        "keep_choices_days": _(
            "投票截止以后，编号和选择留这么久，供人核对；到期抹去，结果和记录都在。改了以后，以前的投票也按新的算。"
        ),
        "owners_advisory": _(
            "有的地方规定，业主的决定先交居委会参考。选“是”，记业主表决和看项目的页面会写明。"
            "已经记下的结果不变。"
        ),
        "age_at_desk": _(
            "居民会议由满 18 周岁的居民参加。选“是”，用手机表决的人要先到服务台看一次证件；"
            "选“不是”，自己说过满 18 周岁就行。意愿征集和评价不受影响。"
        ),
        "complaint_phone": _("写在每一页的底部。"),
        "operator": _("写在每一页的底部。不写，社区页面写“某某社区居民委员会”。"),
        "icp": _("写在每一页的底部，比如：辽ICP备12345678号。"),
    }[key]


def value_text(key: str, value: str) -> str:
    """A value with its unit; words for what is empty."""
    one = CATALOGUE[key]
    if one.sort is Sort.YES_NO:
        return yes_no(value)
    if not value:
        return _("没有写")
    return number_text(one, value) if one.sort is Sort.NUMBER else value


def yes_no(value: str) -> str:
    """Yes or no."""
    return _("是") if value == YES else _("不是")


def number_text(one: Setting, number: str | int) -> str:
    """A number with its unit."""
    return {
        "day": _("%(number)s 天", number=number),
        "person": _("%(number)s 人", number=number),
        "square_metre": _("%(number)s 平方米", number=number),
        "class": counted("%(num)s 个班", int(number)),
        "minute": _("%(number)s 分钟", number=number),
        "space": _("%(number)s 个", number=number),
        "percent": _("%(number)s%%", number=number),
    }[one.unit]


def source_text(law: Law) -> str:
    """Where a default or a bound comes from."""
    return {
        Law.PUBLICATION: _("《城市居民委员会组织法》（2025 年修订）第三十四条"),
        Law.BEFOREHAND: _("《城市居民委员会组织法》（2025 年修订）第三十二条：事先公布"),
        Law.REVOCATION: _("《民法典》第二百八十条：撤销权一年"),
        Law.OWNERS: _("《民法典》第二百七十八条：业主共同决定"),
        Law.OPERATOR_NAMED: _("《个人信息保护法》第十七条：写明谁负责、怎么联系"),
        Law.ICP: _("《互联网信息服务管理办法》：在首页标明备案号"),
        Law.STANDARD: _("《完整居住社区建设标准（试行）》"),
        Law.CHOICE: _("本平台的选择，没有法律规定"),
    }[law]


def level_name(level: Level) -> str:
    """A level as people call it."""
    return {
        Level.CITY: _("市"),
        Level.DISTRICT: _("区（县）"),
        Level.SUBDISTRICT: _("街道（乡镇）"),
    }[level]


def origin(one: Shown, *, own: bool) -> str:
    """Where the value that holds comes from; `own` names the place of the page itself."""
    if one.held.by is None:
        return _default(one)
    at = one.held.by.set_at
    day = clock.day_of(at).isoformat() if at else ""
    if own:
        return _("这里自己定的，%(day)s", day=day) if day else _("这里自己定的")
    return _("%(place)s %(day)s 定的", place=one.place, day=day).replace("  ", " ")


def _default(one: Shown) -> str:
    if one.installation:
        return _("安装本平台时定的")
    return _("本平台默认，依据：%(source)s", source=source_text(one.setting.source))


def above_text(one: Shown) -> str:
    """What would hold if the place gave its value back."""
    return _giving_back(one.setting.key, one.above, one.place_above)


def _giving_back(key: str, above: Held, place: str) -> str:
    value = value_text(key, above.value)
    if above.by is None:
        return _("恢复为默认：%(value)s", value=value)
    return _("恢复为上级（%(place)s）的值：%(value)s", place=place, value=value)


def bounds_text(one: Setting) -> str:
    """Between what a number may be, and who says so; empty where nothing bounds it."""
    if one.sort is not Sort.NUMBER:
        return ""
    least, most = number_text(one, one.least), number_text(one, one.most)
    if one.lawful_least:
        return _(
            "不能少于 %(least)s（%(law)s），最多 %(most)s",
            least=least,
            law=source_text(one.least_by),
            most=most,
        )
    return _("最少 %(least)s，最多 %(most)s", least=least, most=most)


def refused(error: RuleBroken) -> str:
    """Why a setting was not changed, in one sentence."""
    key = str(error.facts.get("key", ""))
    one = CATALOGUE.get(key)
    facts = {name: value for name, value in error.facts.items() if isinstance(value, int)}
    if error.code == "setting.too_low" and one is not None:
        return _(
            "不能少于 %(least)s。没有保存。依据：%(law)s。",
            least=number_text(one, facts["least"]),
            law=source_text(one.least_by),
        )
    if error.code == "setting.too_high" and one is not None:
        most = number_text(one, facts["most"])
        return _("最多 %(most)s。没有保存，请改小一些。", most=most)
    return {
        "setting.unknown": _("没有这一项设置。什么都没有保存。请回到设置页再看一看。"),
        "setting.empty": _("请填上新的值，没有保存。不想自己定的，选“恢复”。"),
        "setting.not_a_number": _("请只填整数，没有保存。"),
        "setting.shape": _("写法不对，没有保存。电话只写数字、短横和括号；备案号写全。"),
        "setting.too_long": _("太长了，没有保存。请写短一些。"),
        "setting.no_reason": _("请写一句为什么改，没有保存。"),
        "setting.changed_meanwhile": _(
            "您打开这一页以后，别人刚改过这一项，您的没有保存。请看看现在的值，再决定改不改。"
        ),
    }[error.code]


YES_NO = (YES, NO)
web.explain("setting", refused)

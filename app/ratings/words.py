"""Words for ratings."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import web
from app.core.errors import RuleBroken
from app.ratings import rules

# The texts of rules.QUESTIONS, which the record carries in Chinese, for readers of other languages.
QUESTIONS = (
    _l("改造内容是否解决了原来的问题"),
    _l("施工质量"),
    _l("施工期间的安全、噪声和通行"),
    _l("事前征求意见和公示"),
    _l("意见是否得到回应"),
    _l("资金公开"),
    _l("老人、孩子和残疾人使用是否方便"),
    _l("交付后的维护管理"),
    _l("总体满意度"),
)


def question(option: str) -> str:
    """The question behind an option's id, in the reader's language."""
    return str(QUESTIONS[rules.QUESTIONS.index(rules.question_of(option))])


def open_question() -> str:
    """The question that is answered in words."""
    return _("还有哪一处需要返修？")


def overall_text(points: str | None) -> str:
    """The mean of 总体满意度 in words; None where fewer than five households answered."""
    if points is None:
        return _("总体满意度不足 5 户作答，不公布分数")
    return _("总体满意度 %(points)s 分（满分 100）", points=points)


def raters_text(raters: int | None) -> str:
    """How many households answered; None where that is not told."""
    return _("不足 5 户") if raters is None else _("%(number)s 户", number=f"{raters:,}")


def _rating(error: RuleBroken) -> str:
    facts = error.facts
    return {
        "rating.not_finished": _("项目还没有建成，不能评价。建成、进入共管以后再来。"),
        "rating.open": _("这个项目的评价正在进行，等它截止再说。"),
        "rating.unanswered": _(
            "上一次有 %(number)s 项分数偏低，还没有安排返修，没有开始。请先在下面安排返修。",
            number=facts.get("number", ""),
        ),
        "rating.repairs_left": _(
            "还有 %(number)s 项返修没有办完，办完再请大家评一次。", number=facts.get("number", "")
        ),
        "rating.days": _("评价的天数要在 1 到 %(most)s 之间。", most=facts.get("most", "")),
    }[error.code]


def _repair(error: RuleBroken) -> str:
    return {
        "repair.empty": _("有一栏还没有写，没有保存。"),
        "repair.past": _("办完的日子已经过了，没有保存。请改成以后的日子。"),
        "repair.not_low": _("这一题的分数不低，不用返修。"),
        "repair.no_result": _("评价还没有结果，不能开返修。"),
        "repair.done": _("这项返修已经办完，没有改动。"),
    }[error.code]


web.explain("rating", _rating)
web.explain("repair", _repair)

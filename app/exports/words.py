"""Letters in plain sentences: what a printing would do, and why one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.core import web
from app.exports.rules import LetterPlan, seconds_for

if TYPE_CHECKING:
    from app.core.errors import RuleBroken


def plan_lines(plan: LetterPlan) -> list[tuple[str, str]]:
    """What a printing does, as kind of notice and sentence; the gravest first."""
    lines = []
    if plan.voided:
        lines.append(
            (
                "attention",
                _(
                    "%(number)s 户换新编码：旧信马上作废，不能恢复。已经进来的家人不受影响，"
                    "每一户都会看到“本户换了新的信”。",
                    number=f"{len(plan.voided):,}",
                ),
            )
        )
    if plan.first:
        number = f"{len(plan.first):,}"
        lines.append(("", _("%(number)s 户现在没有能用的信，印一封新的。", number=number)))
    if plan.again:
        number = f"{len(plan.again):,}"
        lines.append(("", _("%(number)s 户照原样再印一份，编码不变。", number=number)))
    if plan.skipped:
        number = f"{len(plan.skipped):,}"
        lines.append(("", _("%(number)s 户已经有能用的信，这次不印。", number=number)))
    return lines


def waiting(letters: int) -> str:
    """What to read while letters are made."""
    return _(
        "正在排版 %(letters)s 封信，大约要 %(seconds)s 秒。请不要关掉这一页，也不要再点。",
        letters=f"{letters:,}",
        seconds=seconds_for(letters),
    )


def _refused(error: RuleBroken) -> str:
    return {
        "letters.none": _("没有要印的户：每一户都已经有能用的信。什么都没有改动。"),
        "letters.changed": _(
            "这些户的信刚刚印过了（可能是点了两次，也可能是别人印的）。这一次没有再印，"
            "什么都没有改动。请先看看“下载”里有没有文件，真要再印，请看清楚下面再点。"
        ),
        "letters.demo_only": _("照原样再印只有演示城市能用。什么都没有改动。"),
        "letters.unsaid": _("有的户已经有能用的信。什么都没有改动。请先选好这些户怎么办。"),
    }[error.code]


def _no_part(error: RuleBroken) -> str:
    return {
        "part.unknown": _("没有找到这个地方。什么都没有改动。请照户底册上的写法再写一次。"),
        "part.several": _(
            "%(places)s都有这个地方。什么都没有改动。请写明小区。",
            places=error.facts.get("places", ""),
        ),
    }[error.code]


web.explain("letters", _refused)
web.explain("part", _no_part)

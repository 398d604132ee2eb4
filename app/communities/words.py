"""The roll in plain sentences: columns, refusals of rows, refusals of files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.communities.models import Decision
from app.core import web
from app.core.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.communities.roll_queries import AbsentView, LineView
    from app.core.errors import RuleBroken


def field_name(field: str) -> str:
    """A column of the roll as people call it."""
    return {
        "estate": _("小区"),
        "building": _("楼栋"),
        "stairwell": _("单元"),
        "room": _("房号"),
        "unit_type": _("房屋用途"),
        "household_head": _("户主"),
        "phone": _("联系电话"),
        "phones": _("联系电话"),
        "owner_name": _("产权人"),
        "area_registered_c": _("建筑面积"),
        "area_surveyed_c": _("实测面积"),
        "area_contract_c": _("合同面积"),
        "tenure": _("产权性质"),
        "delivery": _("交付状态"),
        "residence": _("是否常住"),
        "tenant": _("租户"),
        "persons": _("家庭人数"),
        "persons_60_plus": _("60岁以上人数"),
        "grid": _("网格"),
        "resident_group": _("居民小组"),
        "back": _("重新回到底册"),
    }.get(field, field)


def importable() -> list[tuple[str, str]]:
    """The fields a column can be mapped to by hand, as people call them."""
    return [(name, field_name(name)) for name in _IMPORTABLE]


_IMPORTABLE = (
    "estate",
    "building",
    "stairwell",
    "room",
    "household_head",
    "phone",
    "owner_name",
    "unit_type",
    "area_registered_c",
    "area_surveyed_c",
    "area_contract_c",
    "tenure",
    "delivery",
    "residence",
    "persons",
    "persons_60_plus",
    "tenant",
    "grid",
    "resident_group",
)


def field_names(fields: Iterable[str]) -> str:
    """Several columns in one phrase."""
    return _("、").join(dict.fromkeys(field_name(name) for name in fields))


def lacking_advice(fields: Sequence[str]) -> str:
    """What to do about required columns that nobody knows."""
    if list(fields) == ["estate"]:
        return _("请在下面写上小区的名字；表里有这一栏的，请指出是哪一栏。")
    return _("没有这几项就不能导入。请在下面指出是哪一栏；表里真的没有，请补上再传。")


def refused_row(line: LineView) -> str:
    """Why a row is not taken, in one sentence."""
    what = field_names(line.what)
    return {
        "no_estate": _("没有写小区"),
        "no_building": _("没有写楼栋"),
        "no_room": _("没有写房号"),
        "too_long": _("%(what)s太长，可能错了列", what=what),
        "formula": _("%(what)s是公式，还没有算出结果；请填上数值", what=what),
        "error": _("%(what)s是表格里的错误值；请填上数值", what=what),
        "date": _("%(what)s变成了日期；请改回原来的写法，比如 3-1", what=what),
        "contradiction": _(
            "和原表第 %(other)s 行是同一户，但%(what)s不一样；请留下对的一行",
            other=line.other,
            what=what,
        ),
        "looks_like": _(
            "像是底册里的 %(known)s，只是写法不同；请在预览页里选怎么办，或改成底册的写法",
            known=line.resembles,
        ),
    }[line.problem]


def warning(code: str, number: int, uses: Sequence[str] = ()) -> str:
    """Something worth a look that does not stop the import."""
    return {
        "use_unknown": _(
            "%(number)s 行的房屋用途看不懂（%(uses)s），不算住宅：没有票、没有信。"
            "是住宅的，请在表格里把用途写成“住宅”，再传一次。",
            number=number,
            uses=listed(uses),
        ),
        "no_phone": _("%(number)s 行没有能用的电话：这些户进入时要到服务台确认。", number=number),
        "no_head": _("%(number)s 行没有户主：照样导入，以后可以补。", number=number),
        "phone_rounded": _(
            "%(number)s 行的电话被表格改成了 1.38E+10 这样的写法，后几位已经丢了，没有读。"
            "请在表格里把这一栏改成文本，再传一次。",
            number=number,
        ),
        "area_unreadable": _("%(number)s 行的面积看不懂，先空着。", number=number),
        "word_unreadable": _(
            "%(number)s 处的选项看不懂（比如产权性质、是否常住），先空着。", number=number
        ),
    }[code]


def area_text(area_c: int | None) -> str:
    """An area of so many 0.01 m² as people write it: 89.04 平方米; empty for none."""
    if area_c is None:
        return ""
    return _("%(area)s 平方米", area=f"{area_c // 100}.{area_c % 100:02d}")


def decision_choices(absent: AbsentView) -> list[tuple[Decision, str]]:
    """What can become of a household that a file leaves out, or writes as something else."""
    if absent.taken:
        return [
            (Decision.KEEP, _("还是住户，留着")),
            (Decision.REMOVE, _("不是住户了，照文件改")),
        ]
    both = [
        (Decision.MOVE, _("是同一户，改成文件里的写法")),
        (Decision.BOTH, _("不是同一户，两户都要")),
    ]
    return [
        (Decision.KEEP, _("留着，不动")),
        *(both if absent.line else []),
        (Decision.REMOVE, _("移出底册")),
    ]


def refused_file(error: RuleBroken) -> str:
    """Why a file was not taken: what happened, that nothing was saved, what to do."""
    missing = field_names(str(error.facts.get("missing", "")).split(","))
    sheets = error.facts.get("sheets", "")
    return {
        "roll.empty": _("文件是空的。什么都没有保存。请打开文件看看，再传一次。"),
        "roll.too_large": _(
            "文件太大了（上限 30 MB、20 万行）。什么都没有保存。请分几次传，或删掉图片。"
        ),
        "roll.locked": _("文件加了密码，打不开。什么都没有保存。请去掉密码，再传一次。"),
        "roll.not_a_workbook": _(
            "这不是能打开的表格（.xlsx、.xls、.ods、.csv）。什么都没有保存。请换一个文件再传。"
        ),
        "roll.bomb": _("文件里的内容大得不正常，没有打开，什么都没有保存。请另存为新文件再传。"),
        "roll.columns_missing": _(
            "没有找到这些栏：%(missing)s。什么都没有保存。请看看表头在不在前 20 行，名称对不对。",
            missing=missing,
        ),
        "roll.no_such_sheet": _(
            "没有这张表，或它没有认得出的表头。什么都没有保存。可以选：%(sheets)s。", sheets=sheets
        ),
        "roll.which_sheet": _(
            "文件里有几张表：%(sheets)s。什么都没有保存。请说明读哪一张。", sheets=sheets
        ),
        "roll.mapped_twice": _(
            "“%(header)s”和别的栏选成了同一项。什么都没有保存。请改一个。",
            header=error.facts.get("header", ""),
        ),
        "roll.moved_twice": _(
            "有两户都选了改成文件里的同一行。什么都没有保存。请只留一户，另一户选留着或移出。"
        ),
        "roll.not_ready": _("这份文件还没有读完。什么都没有改动。请等读完再确认。"),
        "roll.already_applied": _("这份文件已经导入。这一步什么都没有改动。要再改请重新上传。"),
        "owner_set.one_unit": _("至少要两套才谈得上同一业主。什么都没有保存。请重新打开这一页。"),
    }[error.code]


def refused_place(error: RuleBroken) -> str:
    """Why a place was not set up, in one sentence."""
    return {
        "place.code_taken": _(
            "编号 %(taken)s 已经有社区（或街道）在用，没有保存。请换一个，比如在后面加个数字。",
            taken=error.facts.get("taken", ""),
        ),
        "place.code_shape": _(
            "编号要用 20 个以内的大写字母、数字或短横，没有保存。比如槐香里社区写 HXL。"
        ),
        "place.no_name": _("区和街道的名字都要写。没有保存。"),
    }[error.code]


web.explain("roll", refused_file)
web.explain("place", refused_place)
web.explain("owner_set", refused_file)

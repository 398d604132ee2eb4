"""The roll in plain sentences: columns, refusals of rows, refusals of files."""

from __future__ import annotations

from flask_babel import gettext as _

from app.communities.rules import Refused
from app.core import web
from app.core.errors import RuleBroken


def field_name(field: str) -> str:
    """A column of the roll as people call it."""
    return {
        "estate": _("小区"),
        "building": _("楼栋"),
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
    }.get(field, field)


def refused_row(row: Refused) -> str:
    """Why a row is not taken, in one sentence."""
    return {
        "no_estate": _("没有写小区"),
        "no_building": _("没有写楼栋"),
        "no_room": _("没有写房号"),
        "too_long": _("地址太长，可能错了列"),
        "twice": _("和第 %(other)s 行是同一户", other=row.other),
    }[row.code]


def warning(code: str, number: int) -> str:
    """Something worth a look that does not stop the import."""
    return {
        "no_phone": _("%(number)s 户没有能用的电话：这些户进入时要到服务台确认。", number=number),
        "area_unreadable": _("%(number)s 户的面积看不懂，先空着。", number=number),
    }[code]


def refused_file(error: RuleBroken) -> str:
    """Why a file was not taken: what happened, that nothing was saved, what to do."""
    missing = _("、").join(
        field_name(name) for name in str(error.facts.get("missing", "")).split(",")
    )
    return {
        "roll.empty": _("文件是空的。什么都没有保存。请打开文件看看，再传一次。"),
        "roll.too_large": _(
            "文件太大了（上限 30 MB、20 万行）。什么都没有保存。请分几次传，或删掉图片。"
        ),
        "roll.old_xls": _(
            "这是旧格式的 .xls。什么都没有保存。请在 Excel 里另存为 .xlsx，再传一次。"
        ),
        "roll.locked": _("文件加了密码，打不开。什么都没有保存。请去掉密码，再传一次。"),
        "roll.not_a_workbook": _(
            "这不是能打开的 Excel 或 CSV 文件。什么都没有保存。请换一个文件再传。"
        ),
        "roll.bomb": _("文件里的内容大得不正常，没有打开，什么都没有保存。请另存为新文件再传。"),
        "roll.columns_missing": _(
            "没有找到这些栏：%(missing)s。什么都没有保存。请看看表头在不在前 20 行，名称对不对。",
            missing=missing,
        ),
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

"""The shape of a project as the desk types it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from app.core.words import fen_from, yuan
from app.projects.rules import LONGEST_PROGRESS, Line, Route, SupplyMode
from app.projects.words import ROUTES, SUPPLY_MODES

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_LINES = 20


class AmountField(StringField):
    """An amount in 元, kept as fen."""

    @property
    def fen(self) -> int:
        """What was typed, in fen; call only after validation."""
        return fen_from(self.data or "") or 0

    def pre_validate(self, form: object) -> None:  # noqa: ARG002 -- WTForms hands it over
        """Refuse what is no amount."""
        if (self.data or "").strip() and fen_from(self.data or "") is None:
            raise ValidationError(_l("请只写数字，比如 46000。"))


class LinesField(TextAreaField):
    """One line a row: a name, a space or comma, an amount in 元."""

    def pre_validate(self, form: object) -> None:  # noqa: ARG002 -- WTForms hands it over
        """Refuse rows that are not a name and an amount."""
        rows = _rows(self.data or "")
        if not rows:
            raise ValidationError(_l("请至少写一行，比如：厨房设备 98000"))
        if len(rows) > MOST_LINES:
            raise ValidationError(_l("最多 20 行，请合并一些。"))
        for row in rows:
            if _line(row) is None:
                raise ValidationError(
                    _l("有一行看不懂。每行写名称、空格、金额，比如：厨房设备 98000")
                )

    @property
    def lines(self) -> tuple[Line, ...]:
        """The rows as lines in fen; call only after validation."""
        found = (_line(row) for row in _rows(self.data or ""))
        return tuple(line for line in found if line is not None)


def _rows(text: str) -> list[str]:
    return [row.strip() for row in text.splitlines() if row.strip()]


def _line(row: str) -> Line | None:
    name, _space, amount = row.replace("\uff0c", " ").replace("\t", " ").rpartition(" ")
    fen = fen_from(amount)
    if not name.strip() or not fen:
        return None
    return Line(name.strip()[:120], fen)


def lines_text(lines: Sequence[Line]) -> str:
    """Lines as the form shows them for editing."""
    return "\n".join(f"{line.name} {yuan(line.amount_fen).replace(',', '')}" for line in lines)


def _at_least_one(_form: object, field: SelectMultipleField) -> None:
    """Ask for one box at least; a `required` on each would make browsers ask for all of them."""
    if not field.data:
        raise ValidationError(_l("请至少选一项程序。"))


class ProjectForm(FlaskForm):
    """A project: what, where, why, for how much, from whom, who keeps it, which legal way."""

    code = StringField(
        _l("编号"),
        description=_l("字母加数字，比如 P09；以后不能改"),
        validators=[
            InputRequired(_l("请写一个编号。")),
            Regexp(
                r"^[A-Za-z0-9_-]{1,20}$",
                message=_l("编号只用字母和数字，不超过 20 个。"),
            ),
        ],
    )
    title = StringField(
        _l("项目名称"),
        validators=[InputRequired(_l("请写项目名称。")), Length(max=120)],
    )
    asked_by = StringField(
        _l("谁提出来的"),
        description=_l("居民提过议题的不用填；没有的，写明来历，比如“2026 年春季入户摸底”"),
        validators=[Length(max=200)],
    )
    location = StringField(_l("地点"), validators=[Length(max=200)])
    problem = TextAreaField(
        _l("要解决什么问题"),
        validators=[InputRequired(_l("请写要解决的问题。")), Length(max=1000)],
    )
    proposal = TextAreaField(_l("打算怎么做"), validators=[Length(max=2000)])
    supply_mode = RadioField(
        _l("建设方式"),
        choices=[SelectChoice(mode.value, label) for mode, label in SUPPLY_MODES.items()],
        default=SupplyMode.CONVERT.value,
    )
    budget = AmountField(
        _l("预算（元）"), validators=[InputRequired(_l("请写预算。")), Length(max=20)]
    )
    costs = LinesField(
        _l("造价明细"),
        description=_l("每行一项：名称、空格、金额（元）。合计要等于预算"),
        validators=[InputRequired(_l("请写造价明细。")), Length(max=4000)],
    )
    funds = LinesField(
        _l("资金来源"),
        description=_l("每行一项：名称、空格、金额（元）。合计要等于预算"),
        validators=[InputRequired(_l("请写资金来源。")), Length(max=4000)],
    )
    upkeep = AmountField(_l("每年维护费（元）"), validators=[Length(max=20)])
    upkeep_by = StringField(
        _l("以后由谁维护"),
        validators=[
            InputRequired(_l("请写由谁维护：没人管的设施等于没建。")),
            Length(max=200),
        ],
    )
    build_months = IntegerField(
        _l("工期（月）"),
        validators=[Optional(), NumberRange(1, 60, _l("请写 1 到 60 之间的整数。"))],
    )
    scope = StringField(_l("涉及范围"), validators=[Length(max=200)])
    decision_route = SelectMultipleField(
        _l("怎么决定"),
        choices=[SelectChoice(route.value, label) for route, label in ROUTES.items()],
        validators=[_at_least_one],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    risk = TextAreaField(_l("风险和难处"), validators=[Length(max=1000)])
    picture = FileField(_l("示意图"), description=_l("JPG、PNG 或 WebP，不超过 12 MB，可以不传"))


def default_route() -> list[str]:
    """Where a new project's way usually begins."""
    return [Route.PREFERENCE_POLL.value]


class DecisionForm(FlaskForm):
    """What a meeting or the owners decided."""

    route = RadioField(_l("哪一种决定"), validators=[InputRequired(_l("请选一种。"))])
    decided_on = DateField(_l("哪天决定的"), validators=[InputRequired(_l("请选日子。"))])
    outcome = TextAreaField(
        _l("结果"),
        description=_l("写明应参加、实际参加、同意的人数；按面积的，也写面积；有文号的写文号"),
        validators=[InputRequired(_l("请写结果。")), Length(max=LONGEST_PROGRESS)],
    )

    def offer(self, routes: Sequence[str]) -> None:
        """Fill in what is still to be entered."""
        self.route.choices = [SelectChoice(route, ROUTES[Route(route)]) for route in routes]


class BodiesForm(FlaskForm):
    """Who answers for a project, and who builds it."""

    responsible = StringField(
        _l("责任单位"), validators=[InputRequired(_l("请写责任单位")), Length(max=120)]
    )
    builder = StringField(_l("施工单位"), validators=[Length(max=120)])


class MilestoneForm(FlaskForm):
    """A step of the building."""

    title = StringField(_l("节点"), validators=[InputRequired(_l("请写节点")), Length(max=120)])
    planned_on = DateField(_l("计划哪天完成"), validators=[InputRequired(_l("请选日子"))])


class DoneForm(FlaskForm):
    """The day a step was done."""

    done_on = DateField(_l("实际哪天完成"), validators=[InputRequired(_l("请选日子"))])


class ProgressForm(FlaskForm):
    """A report about the building."""

    text = TextAreaField(
        _l("进展"), validators=[InputRequired(_l("请写进展")), Length(max=LONGEST_PROGRESS)]
    )
    picture = FileField(_l("现场照片"), description=_l("不要拍到人脸和车牌。"))
    once = HiddenField(validators=[Length(max=40)])

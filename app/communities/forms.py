"""The shape of a roll's upload."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional


class RollForm(FlaskForm):
    """A committee's workbook."""

    file = FileField(
        _l("户底册文件"),
        description=_l(
            "Excel（.xlsx、.xls）、.ods 或 CSV，不超过 30 MB、20 万行。"
            "要有楼栋、房号两栏；几个小区的，还要有小区一栏"
        ),
        validators=[FileRequired(_l("请选一个文件。"))],
    )


class SheetForm(FlaskForm):
    """Which sheet of a workbook is the roll."""

    sheet = RadioField(_l("读哪一张表"), coerce=int, validators=[InputRequired(_l("请选一张表。"))])


class ActForm(FlaskForm):
    """A button and nothing else."""


class ColumnsForm(FlaskForm):
    """What columns hold; where none names the estate, which one it is."""

    estate = StringField(
        _l("整份表都在这个小区"),
        description=_l(
            "表里没有“小区”一栏，就在这里写小区的名字。几个小区写在一份表里的，请在表里加一栏。"
        ),
        validators=[Optional(), Length(max=80)],
    )


SET, INHERIT = "set", "inherit"


class SettingForm(FlaskForm):
    """A value for a place, or the word that it takes the one of the place above; and why.

    `seen` is the own value of the place that the page has shown.
    """

    how = RadioField(_l("怎么改"), validate_choice=False)
    value = StringField(_l("新的值"), validators=[Optional(), Length(max=200)])
    answer = RadioField(_l("新的值"), validate_choice=False)
    seen = HiddenField()
    reason = TextAreaField(_l("为什么改"), description=_l("以后有人查记录，要能看懂"))

    @property
    def chosen(self) -> str | None:
        """The value as typed; None for giving it back."""
        if self.how is not None and self.how.data == INHERIT:
            return None
        field = self.answer if self.answer is not None else self.value
        return field.data or ""

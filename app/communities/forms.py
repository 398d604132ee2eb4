"""The shape of a roll's upload."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import RadioField
from wtforms.validators import InputRequired


class RollForm(FlaskForm):
    """A committee's workbook."""

    file = FileField(
        _l("户底册文件"),
        description=_l(
            "Excel（.xlsx、.xls）、.ods 或 CSV，不超过 30 MB、20 万行。要有小区、楼栋、房号三栏"
        ),
        validators=[FileRequired(_l("请选一个文件。"))],
    )


class SheetForm(FlaskForm):
    """Which sheet of a workbook is the roll."""

    sheet = RadioField(_l("读哪一张表"), coerce=int, validators=[InputRequired(_l("请选一张表。"))])


class ActForm(FlaskForm):
    """A button and nothing else."""

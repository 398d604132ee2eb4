"""The shape of a roll's upload."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired


class RollForm(FlaskForm):
    """A committee's workbook."""

    file = FileField(
        _l("户底册文件"),
        description=_l("Excel（.xlsx）或 CSV，不超过 30 MB。要有小区、楼栋、房号三栏"),
        validators=[FileRequired(_l("请选一个文件。"))],
    )


class ActForm(FlaskForm):
    """A button and nothing else."""

"""The shape of what exports take in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional


class CheckCodeForm(FlaskForm):
    """A check code from a receipt. It is sent, never part of an address: addresses are kept."""

    code = StringField(
        _l("核对码"),
        description=_l("收据上的 16 个字母和数字，分四组"),
        validators=[InputRequired(_l("请输核对码。")), Length(max=40)],
    )


class LettersForm(FlaskForm):
    """For whom letters are made. Making one voids the household's older code."""

    scope = RadioField(
        _l("给谁印"),
        choices=[
            SelectChoice("new", _l("只给还没有信的户")),
            SelectChoice("building", _l("一栋楼，全部重新印")),
            SelectChoice("all", _l("全社区，全部重新印")),
        ],
        default="new",
    )
    building = SelectField(_l("哪一栋楼"), coerce=int, validators=[Optional()])
    household = StringField(validators=[Optional(), Length(max=12)])

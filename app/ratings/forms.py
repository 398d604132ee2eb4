"""The shape of what is typed about ratings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange

from app.ratings.rules import LONGEST_DAYS


class StartForm(FlaskForm):
    """How long a rating lasts."""

    days = IntegerField(
        _l("评价开放几天"),
        default=14,
        validators=[
            InputRequired(_l("请写开放几天")),
            NumberRange(1, LONGEST_DAYS, _l("请写 1 到 60 之间的天数")),
        ],
    )


class RepairForm(FlaskForm):
    """What is put right, by whom, until when."""

    what = TextAreaField(
        _l("修什么"), validators=[InputRequired(_l("请写修什么")), Length(max=300)]
    )
    owner = StringField(_l("谁来修"), validators=[InputRequired(_l("请写谁来修")), Length(max=120)])
    due = DateField(_l("哪天修好"), validators=[InputRequired(_l("请选哪天修好"))])


class DoneForm(FlaskForm):
    """What was done."""

    note = StringField(
        _l("修得怎样"), validators=[InputRequired(_l("请写修得怎样")), Length(max=500)]
    )

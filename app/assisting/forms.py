"""The shape of what a clerk states and fills in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from app.assisting.words import CHECKED


class BeginForm(FlaskForm):
    """That somebody of the household is present, and how the clerk knows."""

    checked = RadioField(
        _l("怎么知道是这一户的人"),
        validators=[InputRequired(_l("请选一项。还没有开始。"))],
        choices=[SelectChoice(checked.value, words) for checked, words in CHECKED.items()],
    )
    present = BooleanField(
        _l(
            "本户年满 18 周岁的人就在我面前，请我代为操作；每一项由本人自己拿主意；这不是我自己家。"
        ),
        validators=[InputRequired(_l("没有勾选声明，不能代办。"))],
    )


class SignForm(FlaskForm):
    """A pledge to the text that was read aloud, named by its hash."""

    text_sha256 = HiddenField(validators=[InputRequired(), Length(max=64)])


class HandForm(FlaskForm):
    """Who of the household may change its ballot from now on."""

    member = RadioField(
        _l("交给谁"),
        validators=[InputRequired(_l("请选一项。还没有改动。"))],
        choices=[],
    )

"""The shape of what is asked and put right."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from app.correcting.rules import LONGEST_TEXT
from app.correcting.words import WHAT

_LONG = _l("太长了，请写短一些。")


class AskForm(FlaskForm):
    """What is wrong, for the household that the page spoke of."""

    what = RadioField(
        _l("哪一项不对"),
        validators=[InputRequired(_l("请选一项。还没有提交。"))],
        choices=[SelectChoice(what.value, words) for what, words in WHAT.items()],
    )
    text = TextAreaField(
        _l("对的是什么"),
        description=_l("比如“电话换了，新号码后四位 5678”。只有服务台看得到。不要写身份证号。"),
        validators=[
            InputRequired(_l("请写一句哪里不对、对的是什么。")),
            Length(max=LONGEST_TEXT, message=_LONG),
        ],
    )
    home = HiddenField(validators=[InputRequired(), Length(max=12)])
    once = HiddenField(validators=[InputRequired(), Length(max=32)])


class RowForm(FlaskForm):
    """What is right; what is left empty stays as it is."""

    phones = StringField(
        _l("电话"),
        description=_l("写全所有的电话，几个用顿号隔开；会换掉原来登记的"),
        validators=[Length(max=120, message=_LONG)],
    )
    head = StringField(_l("户主"), validators=[Length(max=80, message=_LONG)])
    owner = StringField(
        _l("房主（产权人）"),
        description=_l("几个人用顿号隔开。房子卖了，请办“换房主”，不要在这里改"),
        validators=[Length(max=200, message=_LONG)],
    )
    area = StringField(
        _l("登记面积（平方米）"),
        description=_l("照不动产证上写的，比如 56.30"),
        validators=[Length(max=20, message=_LONG)],
    )
    correction = HiddenField(validators=[Length(max=12)])


class AnswerForm(FlaskForm):
    """Why the roll stays as it is."""

    answer = TextAreaField(
        _l("为什么不改，写给住户"),
        description=_l("提出的人看得到这句话"),
        validators=[
            InputRequired(_l("请写一句为什么不改。还没有答复。")),
            Length(max=LONGEST_TEXT, message=_LONG),
        ],
    )

"""The shape of what is typed about lifted and shared topics."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from app.discussion import forms as opinions
from app.discussion.rules import LONGEST
from app.sharing.rules import LONGEST_TEXT, LONGEST_TITLE

_LONG = _l("太长了，请写短一些。")


class ReasonForm(FlaskForm):
    """Why a topic is lifted or given back."""

    reason = TextAreaField(_l("理由（公开）"), validators=[Length(max=LONGEST_TEXT, message=_LONG)])


class ShareForm(FlaskForm):
    """What a shared topic says, which lifted topics it is made of, and who shares it."""

    title = StringField(
        _l("题目"),
        validators=[InputRequired(_l("请写题目。")), Length(max=LONGEST_TITLE, message=_LONG)],
    )
    background = TextAreaField(
        _l("情况"),
        validators=[InputRequired(_l("请写情况。")), Length(max=LONGEST_TEXT, message=_LONG)],
    )
    question = TextAreaField(
        _l("要商量的问题"),
        validators=[
            InputRequired(_l("请写要商量的问题。")),
            Length(max=LONGEST_TEXT, message=_LONG),
        ],
    )
    others = SelectMultipleField(
        _l("一起办的其他议题"),
        option_widget=CheckboxInput(),
        widget=ListWidget(),
        validate_choice=False,
    )
    communities = SelectMultipleField(
        _l("哪些社区一起商量"),
        description=_l("提上来的社区都要选。没选的社区，居民不能写意见"),
        option_widget=CheckboxInput(),
        widget=ListWidget(),
        validate_choice=False,
    )


class OpinionForm(opinions.OpinionForm):
    """An opinion on a shared topic, for oneself or for a body."""

    text = TextAreaField(
        _l("您的意见"),
        description=_l("最多 1,000 字。公布时不写您的姓名。"),
        validators=[InputRequired(_l("请写上您的意见")), Length(max=LONGEST, message=_LONG)],
    )


class AppealForm(FlaskForm):
    """Why its author finds that an opinion should be shown."""

    text = TextAreaField(
        _l("为什么不该这样处理"),
        description=_l("上一级的另一个人来看，只能申诉一次。"),
        validators=[InputRequired(_l("请写一句为什么")), Length(max=LONGEST, message=_LONG)],
    )


class OutcomeForm(FlaskForm):
    """What a shared topic came to."""

    text = TextAreaField(
        _l("协商结果"),
        description=_l("写清楚怎么定的、谁来办、什么时候办好。公布以后不能改。"),
        validators=[InputRequired(_l("请写协商结果。")), Length(max=LONGEST_TEXT, message=_LONG)],
    )

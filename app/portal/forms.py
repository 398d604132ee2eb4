"""The shape of what the portal's own pages take in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length


class EraseForm(FlaskForm):
    """That somebody wants everything of theirs erased."""

    texts = BooleanField(_l("我公布过的意见也一并撤下"))
    sure = BooleanField(
        _l("我看过上面的说明，要删除我的资料，知道不能恢复"),
        validators=[InputRequired(_l("请先看说明，再勾选“要删除”。什么都没有删。"))],
    )


class ErasePresentForm(FlaskForm):
    """The same for somebody who stands at the desk."""

    texts = BooleanField(_l("本人要求：公布过的意见也一并撤下"))
    sure = BooleanField(
        _l("本人在我面前，听过上面的说明，要求删除"),
        validators=[InputRequired(_l("要本人到场、听过说明才能删，请勾选。什么都没有删。"))],
    )


class ViewForm(FlaskForm):
    """How somebody wants to read. Fields left out stay as they are."""

    view = StringField(validators=[Length(max=10)])
    text = StringField(validators=[Length(max=3)])
    language = StringField(validators=[Length(max=2)])
    next = StringField(validators=[Length(max=500)])

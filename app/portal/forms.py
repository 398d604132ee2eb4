"""The shape of what the portal's own pages take in."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length


class CopyAs(StrEnum):
    """What somebody takes away: sheets of paper, or a file for programs."""

    PAPER = "paper"
    FILE = "file"


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


class CopyPresentForm(FlaskForm):
    """That somebody who stands at the desk takes a copy of what is kept about them along."""

    how = RadioField(
        _l("怎么给"),
        choices=[
            SelectChoice(CopyAs.PAPER.value, _l("印在纸上（PDF，印完请删掉文件）")),
            SelectChoice(CopyAs.FILE.value, _l("存到本人的 U 盘（文件，也能给别的程序用）")),
        ],
        default=CopyAs.PAPER.value,
    )
    sure = BooleanField(
        _l("本人在我面前，我看过证件，本人说得出是哪一行"),
        validators=[InputRequired(_l("要本人到场、看过证件才能给，请勾选。什么都没有生成。"))],
    )


class ViewForm(FlaskForm):
    """How somebody wants to read. Fields left out stay as they are."""

    view = StringField(validators=[Length(max=10)])
    text = StringField(validators=[Length(max=3)])
    language = StringField(validators=[Length(max=2)])
    next = StringField(validators=[Length(max=500)])

"""The shape of what is typed about posts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from app.bodies.words import named
from app.discussion import words
from app.discussion.rules import LONGEST, LONGEST_REASON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.bodies.queries import ActingView


class OpinionForm(FlaskForm):
    """An opinion, a new wording of one, or an appeal."""

    body = RadioField(_l("以谁的名义说"), validate_choice=False)
    text = TextAreaField(
        _l("您的意见"),
        description=_l("最多 1,000 字。请不要写别人的姓名、电话和门牌；如果写了电话，会自动遮住。"),
        validators=[InputRequired(_l("请写上您的意见")), Length(max=LONGEST)],
    )
    once = HiddenField(validators=[Length(max=40)])

    def offer(self, bodies: Sequence[ActingView], *, resident: bool) -> None:
        """Fill in for whom somebody can speak: for themself where they live, and for bodies."""
        own = [SelectChoice("", _("我自己（居民）"))] if resident else []
        self.body.choices = own + [
            SelectChoice(one.body_id, named(one.body, one.kind)) for one in bodies
        ]


class RefusalForm(FlaskForm):
    """Why something is returned or hidden."""

    reason = RadioField(
        _l("理由"),
        choices=[SelectChoice(reason.value, text) for reason, text in words.REASONS.items()],
        validators=[InputRequired(_l("请选一个理由"))],
    )
    note = StringField(
        _l("给提意见人的说明"),
        description=_l("只有提意见的人看得到。批评居委会不是退回的理由。"),
        validators=[Length(max=LONGEST_REASON)],
    )


class CoverForm(FlaskForm):
    """A phrase to mask before publishing."""

    cover = StringField(
        _l("要遮住的字"),
        description=_l("公布时要遮住姓名、门牌的，把那几个字照抄在这里；几处用顿号隔开。"),
        validators=[Length(max=100)],
    )


class DispositionForm(FlaskForm):
    """What became of an opinion."""

    disposition = RadioField(
        _l("怎么处理"),
        choices=[
            SelectChoice(value.value, text) for value, (_kind, text) in words.DISPOSITIONS.items()
        ],
        validators=[InputRequired(_l("请选一项"))],
    )
    why = TextAreaField(
        _l("理由"),
        description=_l("和意见一起公布。"),
        validators=[InputRequired(_l("请写上理由")), Length(max=LONGEST_REASON)],
    )


class AnswerForm(FlaskForm):
    """An answer to an opinion or to an appeal."""

    text = TextAreaField(
        _l("答复"), validators=[InputRequired(_l("请写上答复")), Length(max=LONGEST)]
    )
    outcome = RadioField(
        _l("结论"),
        choices=[
            SelectChoice("publish", _l("公布这一条")),
            SelectChoice("uphold", _l("维持原来的处理")),
        ],
        default="uphold",
    )

"""The shape of what a clerk states and fills in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields import DateTimeLocalField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from app.assisting.rules import PartOfDay
from app.assisting.words import (
    ASKED,
    CHECKED,
    LOOK_FOR,
    OUTCOMES,
    PARTS_OF_DAY,
    SEEN,
    VISIT_FOR,
)

if TYPE_CHECKING:
    from flask_babel.speaklater import LazyString

_LONG = _l("太长了，请写短一些。")
_PICK = _l("请选一项。还没有保存。")


def _radio(label: LazyString, words: Mapping[Any, LazyString], **more: Any) -> RadioField:
    """One of these, each with its words."""
    return RadioField(
        label,
        validators=[InputRequired(_PICK)],
        choices=[SelectChoice(one.value, said) for one, said in words.items()],
        **more,
    )


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


class ProxyForm(FlaskForm):
    """What stands on a sheet that a household signed, and how the desk knows."""

    poll = RadioField(
        _l("哪一项投票"), validators=[InputRequired(_l("请选一项投票。还没有保存。"))], choices=[]
    )
    holder = StringField(
        _l("受托人住本社区哪一户"),
        description=_l(
            "照住户页上的写法，如：槐香里一区 3-2-501。这一户年满 18 周岁的人都能替投。"
        ),
        validators=[Length(max=80, message=_LONG)],
    )
    holder_name = StringField(
        _l("受托人不住本社区的，写姓名"),
        description=_l("同名的两个人，加一个好分辨的字，如：王芳（长女）。"),
        validators=[Length(max=40, message=_LONG)],
    )
    sheet = StringField(
        _l("委托书编号"),
        description=_l("印在表上的编号；手写的，写原件存在哪里，如：2026 年第 2 盒第 8 张"),
        validators=[
            InputRequired(_l("请写编号，或者原件存在哪里。")),
            Length(max=40, message=_LONG),
        ],
    )
    until = DateField(
        _l("委托到哪天为止"),
        description=_l("照委托书写；没有写的不填，到这项投票截止为止。"),
        validators=[Optional()],
    )
    seen = RadioField(
        _l("怎么知道是这一户自己的意思"),
        validators=[InputRequired(_l("请选一项。还没有保存。"))],
        choices=[SelectChoice(seen.value, words) for seen, words in SEEN.items()],
    )
    signed = BooleanField(
        _l("委托书是书面的，有委托户年满 18 周岁的人签名，原件已经收存。"),
        validators=[InputRequired(_l("没有书面的、签了名的委托书，不能登记。"))],
    )


class HolderForm(FlaskForm):
    """A ballot that a holder of an authority fills in at the desk."""

    checked = RadioField(
        _l("怎么知道是受托人本人"),
        validators=[InputRequired(_l("请选一项。选票还没有存上。"))],
        choices=[SelectChoice(checked.value, words) for checked, words in CHECKED.items()],
    )
    present = BooleanField(
        _l("受托人就在我面前，请我代为操作；选什么由受托人照委托人的意思定。"),
        validators=[InputRequired(_l("没有勾选声明，不能代办。选票还没有存上。"))],
    )
    token = HiddenField(validators=[Length(max=200)])
    choice = SelectMultipleField(validate_choice=False)


class PaperForm(FlaskForm):
    """For which poll a household wants paper, and how the desk heard of it."""

    scope = RadioField(_l("要哪些纸质材料"), validators=[InputRequired(_PICK)], choices=[])
    asked = _radio(_l("怎么说的"), ASKED)


class OwnPaperForm(FlaskForm):
    """The same, asked for by the household itself."""

    scope = RadioField(_l("要哪些纸质材料"), validators=[InputRequired(_PICK)], choices=[])


class OwnVisitForm(FlaskForm):
    """What somebody wants to be visited for, and when it suits."""

    purpose = _radio(_l("为了什么事"), VISIT_FOR)
    wished = _radio(_l("什么时候方便"), PARTS_OF_DAY, default=PartOfDay.ANY.value)


class VisitForm(OwnVisitForm):
    """The same as the desk notes it."""

    asked = _radio(_l("怎么说的"), ASKED)


class PlanForm(FlaskForm):
    """When two people go."""

    at = DateTimeLocalField(
        _l("哪天几点去"), validators=[InputRequired(_l("请写日子和时间。还没有保存。"))]
    )
    first = SelectField(_l("谁去"), validators=[InputRequired(_PICK)])
    second = SelectField(_l("和谁一起去"), validators=[InputRequired(_PICK)])


class OutcomeForm(FlaskForm):
    """What came of a visit."""

    outcome = _radio(_l("结果怎样"), OUTCOMES)


class LookForm(FlaskForm):
    """Which households that have not voted are looked at, and what for."""

    part = SelectField(_l("哪里的住户"), default="all")
    purpose = _radio(_l("看名单做什么"), LOOK_FOR)
    only = BooleanField(
        _l("只用来送材料、提醒截止，不问选什么，不给别人看，用完销毁。"),
        validators=[InputRequired(_l("没有勾选，不能看名单。"))],
    )


class RoundsForm(FlaskForm):
    """What is carried from door to door, and where. It changes nothing, so it goes by GET."""

    class Meta:
        """The choice stays in the address."""

        csrf = False

    what = RadioField(_l("送什么"), default="paper", choices=[])
    part = SelectField(_l("哪里的住户"), default="all")


class SayForm(FlaskForm):
    """What somebody present wants to say about a topic."""

    text = TextAreaField(
        _l("本人怎么说，就怎么写"),
        validators=[InputRequired(_l("请写意见。还没有保存。")), Length(max=1000, message=_LONG)],
    )
    once = HiddenField(validators=[InputRequired(), Length(max=40)])


class ProposeForm(FlaskForm):
    """A topic that somebody present proposes."""

    title = StringField(
        _l("什么事"),
        validators=[
            InputRequired(_l("请写是什么事。还没有保存。")),
            Length(max=120, message=_LONG),
        ],
    )
    background = TextAreaField(
        _l("现在怎么样，想怎么办"),
        validators=[
            InputRequired(_l("请写现在的情况。还没有保存。")),
            Length(max=2000, message=_LONG),
        ],
    )
    once = HiddenField(validators=[InputRequired(), Length(max=40)])

"""The shape of what a guided start asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, RadioField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, Regexp

from app.communities.rules import community_code
from app.core import clock
from app.policy.roles import LONGEST_WORD, TERM

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.starting.queries import Above

NEW = "new"
_LONG = _l("太长了，请写短一些。")


class AboveForm(FlaskForm):
    """Which subdistrict a community belongs to: one that is there, or a new one."""

    where = RadioField(_l("归哪个街道（乡镇）"), validate_choice=False)
    district = StringField(
        _l("区（县）"),
        description=_l("比如：云台区"),
        validators=[Length(max=80, message=_LONG)],
    )
    subdistrict = StringField(
        _l("街道（乡镇）"),
        description=_l("比如：北苑街道"),
        validators=[Length(max=80, message=_LONG)],
    )

    known: frozenset[str] = frozenset()

    def offer(self, known: Sequence[Above]) -> None:
        """Fill in the places there are; with none the new one is the only way."""
        self.known = frozenset(one.code for one in known)
        self.where.choices = [
            *(SelectChoice(one.code, one.name) for one in known),
            SelectChoice(NEW, str(_l("不在上面，新写一个"))),
        ]
        if not self.where.data:
            self.where.data = known[0].code if known else NEW

    @property
    def chosen(self) -> str:
        """The code of a place that is there; empty for a new one: typing one asks for it."""
        if (self.district.data or "").strip() or (self.subdistrict.data or "").strip():
            return ""
        return self.where.data if self.where.data in self.known else ""

    def validate_district(self, field: StringField) -> None:
        """A new place needs both names."""
        if not self.chosen and not (field.data or "").strip():
            raise ValidationError(_l("请写区（县）的名字。"))

    def validate_subdistrict(self, field: StringField) -> None:
        """A new place needs both names."""
        if not self.chosen and not (field.data or "").strip():
            raise ValidationError(_l("请写街道（乡镇）的名字。"))


class CardForm(FlaskForm):
    """What letters and pages say of a community."""

    name = StringField(
        _l("社区名称"),
        description=_l("印在信上的全称，比如：槐香里社区"),
        validators=[InputRequired(_l("请写社区名称。")), Length(max=80, message=_LONG)],
    )
    desk_phone = StringField(
        _l("服务台电话"),
        description=_l("每封信、每个出错的页面都会请居民打这个电话"),
        validators=[InputRequired(_l("请写服务台电话。")), Length(max=40, message=_LONG)],
    )
    office = StringField(
        _l("服务台在哪里"),
        description=_l("比如：3 号楼东侧，社区综合服务站一楼"),
        validators=[InputRequired(_l("请写服务台的地方。")), Length(max=200, message=_LONG)],
    )
    hours = StringField(
        _l("什么时候有人"),
        description=_l("比如：周一至周五 8:30–17:00"),
        validators=[InputRequired(_l("请写服务时间。")), Length(max=200, message=_LONG)],
    )


class NewCardForm(CardForm):
    """The same with the code that stands in every address from now on."""

    code = StringField(
        _l("社区编号"),
        description=_l(
            "20 个以内的字母或数字，比如名称的拼音首字母 HXL。会出现在网址里，定了不能改"
        ),
        validators=[InputRequired(_l("请写社区编号。")), Length(max=40, message=_LONG)],
    )

    def validate_code(self, field: StringField) -> None:
        """Refuse what cannot stand in an address."""
        if not community_code(field.data or ""):
            raise ValidationError(_l("只用字母、数字和短横，不超过 20 个。比如 HXL。"))


class PersonForm(FlaskForm):
    """Somebody who will work with the portal."""

    display = StringField(
        _l("姓名"),
        description=_l("页面上这样称呼"),
        validators=[InputRequired(_l("请写姓名。")), Length(max=80, message=_LONG)],
    )
    sign_in_name = StringField(
        _l("登录名"),
        description=_l("3 到 40 个小写字母或数字，比如 wangfang"),
        validators=[
            InputRequired(_l("请写登录名。")),
            Regexp(
                r"^\s*[a-z0-9][a-z0-9._-]{2,39}\s*$", message=_l("用 3 到 40 个小写字母或数字。")
            ),
        ],
    )

    until = DateField(
        _l("到哪天为止"),
        description=_l(
            "那一天过完自动停用。不写就按这个角色最长的期限：设计师三年，其他人五年（一届）"
        ),
        validators=[Optional()],
    )
    # As long as the role lasts when two people give it.
    longest = TERM

    # Asked for where another person has to agree; the operation says so when it is missing.
    reason = TextAreaField(
        _l("理由"),
        description=_l("给要同意的人看：为什么加这一位。不写住户的姓名和门牌。"),
        validators=[Length(max=LONGEST_WORD, message=_LONG)],
    )

    def validate_until(self, field: DateField) -> None:
        """Refuse a day that is over, or one so far away that it was mistyped."""
        if not field.data:
            return
        today = clock.day_of(clock.now())
        if not today < field.data <= clock.day_of(clock.now() + self.longest):
            raise ValidationError(_l("请写明天起、这个角色最长的期限以内的一天，或者不写。"))

    @property
    def ends_at(self) -> datetime | None:
        """The moment after the last day, at most the role's longest; None where none was typed."""
        last = self.until.data
        return min(clock.bounds_of_day(last)[1], clock.now() + self.longest) if last else None


class ActForm(FlaskForm):
    """A button and nothing else."""

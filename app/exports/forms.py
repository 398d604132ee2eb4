"""The shape of what exports take in."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import AnyOf, InputRequired, Length, Optional, Regexp
from wtforms.widgets import HiddenInput

from app.exports.rules import HaveLetter


class CheckCodeForm(FlaskForm):
    """A check code from a receipt. It is sent, never part of an address: addresses are kept."""

    code = StringField(
        _l("核对码"),
        description=_l("收据上的 16 个字母和数字，分四组"),
        validators=[InputRequired(_l("请输核对码。")), Length(max=40)],
    )


class LettersForm(FlaskForm):
    """For whom letters are made. Looking at what that would do changes nothing: it goes by GET."""

    class Meta:
        """The choice stays in the address; only making letters takes a token."""

        csrf = False

    part = SelectField(_l("给哪里的住户"), default="all")
    have = RadioField(_l("已经有信的户怎么办"), default=HaveLetter.SKIP.value)

    def offer(self, parts: dict[str, list[tuple[str, str]]], *, demo: bool) -> None:
        """Give the choices: parts of the community by estate, and what a demo can do besides."""
        self.part.choices = parts
        self.have.choices = [
            SelectChoice(HaveLetter.SKIP.value, _("跳过，只印没有信的户")),
            SelectChoice(HaveLetter.REISSUE.value, _("也重新印，旧信马上作废")),
        ]
        if demo:
            again = SelectChoice(HaveLetter.AGAIN.value, _("照原样再印一份（演示城市才有）"))
            self.have.choices.append(again)


class MakeLettersForm(FlaskForm):
    """The letters somebody was shown, to be made; `stamp` says in what state they were shown."""

    part = HiddenField(validators=[InputRequired(), Length(max=80)])
    have = HiddenField(
        validators=[AnyOf([choice.value for choice in HaveLetter], _l("请重新打开这一页再选。"))]
    )
    stamp = IntegerField(validators=[InputRequired()], widget=HiddenInput())
    sure = BooleanField(_l("我知道：这些旧信马上作废，已经发出去的都不能再用"))
    # The page looks for it among the cookies to see that the file has come.
    ticket = HiddenField(validators=[Optional(), Regexp("^[0-9a-f]{1,32}$")])

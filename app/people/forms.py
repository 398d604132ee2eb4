"""The shape of what is asked at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import EqualTo, InputRequired, Length, Optional
from wtforms.widgets import HiddenInput

from app.people.rules import Younger
from app.people.words import REVEAL_REASONS

if TYPE_CHECKING:
    from flask_babel import LazyString
    from wtforms import Field
    from wtforms.form import BaseForm

_LONG = _l("太长了，请写短一些。")
# A device that tells who built it sends its maker's certificates along.
ANSWER_MOST = 20_000


class EnterForm(FlaskForm):
    """A household's code and its second fact."""

    code = StringField(
        _l("信上的编码"),
        description=_l("10 个字母和数字，中间的短横可以不输"),
        validators=[InputRequired(_l("请照着信输入编码。")), Length(max=40)],
    )
    second_fact = StringField(
        _l("手机号后四位"),
        description=_l("底册上登记的手机号后四位；没有登记的，请输服务台给您的六位数"),
        validators=[InputRequired(_l("请输手机号后四位。")), Length(max=20)],
    )
    adult = BooleanField(_l("我已满 18 周岁，看过上面的说明"))
    younger = RadioField(
        _l("我未满 18 周岁"),
        validators=[Optional()],
        choices=[
            SelectChoice(Younger.MINOR.value, _l("我 14 到 17 周岁，看过上面的说明")),
            SelectChoice(Younger.CHILD.value, _l("我不满 14 周岁")),
        ],
    )
    # The button by which whoever is signed in keeps their other households.
    add = BooleanField()
    shared_phone = BooleanField(_l("这不是我的手机（用完自动退出）"))
    next = HiddenField(validators=[Length(max=500)])


class TypedOrKey(InputRequired):
    """What is typed is wanted unless a passkey has answered."""

    def __call__(self, form: BaseForm, field: Field) -> None:
        """Refuse a form with neither."""
        if not form["passkey"].data:
            super().__call__(form, field)


class StaffForm(FlaskForm):
    """Name, password and the second factor: six digits, or what a script has of a passkey."""

    name = StringField(_l("登录名"), validators=[InputRequired(_l("请输登录名。")), Length(max=80)])
    password = PasswordField(
        _l("密码"), validators=[InputRequired(_l("请输密码。")), Length(max=200)]
    )
    totp = StringField(
        _l("六位动态码"),
        description=_l("手机验证器上的六位数，每 30 秒换一次"),
        validators=[TypedOrKey(_l("请输六位动态码或备用码。")), Length(max=40)],
    )
    passkey = HiddenField(validators=[Length(max=ANSWER_MOST)])
    next = HiddenField(validators=[Length(max=500)])


class ProofForm(FlaskForm):
    """The second factor once more, and where to go on."""

    totp = StringField(
        _l("六位动态码"),
        description=_l("手机验证器上的六位数；手机不在身边，输一个备用码"),
        validators=[TypedOrKey(_l("请输六位动态码或备用码。")), Length(max=40)],
    )
    passkey = HiddenField(validators=[Length(max=ANSWER_MOST)])
    next = HiddenField(validators=[Length(max=500)])


class AlongForm(FlaskForm):
    """The second factor once more, along with another form that was sent too late."""

    proof_totp = StringField(
        _l("六位动态码"),
        description=_l("手机验证器上的六位数；手机不在身边，输一个备用码"),
        validators=[Length(max=40)],
    )
    proof_passkey = HiddenField(validators=[Length(max=ANSWER_MOST)])


def _new_password(label: LazyString) -> PasswordField:
    return PasswordField(
        label,
        description=_l("至少 15 个字符，可以是一句只有您知道的话；不要常见的词、日期和手机号"),
        validators=[InputRequired(_l("请输新密码。")), Length(max=200, message=_LONG)],
    )


def _once_more() -> PasswordField:
    return PasswordField(
        _l("再输一次新密码"),
        validators=[
            InputRequired(_l("请再输一次。")),
            EqualTo("new", message=_l("两次输的不一样，请重新输。")),
        ],
    )


class PasswordForm(FlaskForm):
    """The old password, and the new one twice."""

    old = PasswordField(
        _l("现在的密码"), validators=[InputRequired(_l("请输现在的密码。")), Length(max=200)]
    )
    new = _new_password(_l("新密码"))
    again = _once_more()


class NewPasswordForm(FlaskForm):
    """A first password, twice."""

    new = _new_password(_l("自己定一个密码"))
    again = _once_more()


class LinkForm(FlaskForm):
    """The secret of a one-time link: put in by a script, pasted or typed."""

    code = StringField(
        _l("链接里的码"),
        description=_l("24 个字母和数字，短横可以不输；也可以把整个链接贴进来"),
        validators=[InputRequired(_l("请照着纸条输。")), Length(max=300, message=_LONG)],
    )


class NumberForm(FlaskForm):
    """The number that a second person gives."""

    number = StringField(
        _l("第二位给您的六位数"),
        validators=[InputRequired(_l("请输六位数。")), Length(max=20)],
    )


class OwnPasswordForm(FlaskForm):
    """The password, to begin with a new phone."""

    password = PasswordField(
        _l("现在的密码"), validators=[InputRequired(_l("请输现在的密码。")), Length(max=200)]
    )


class FirstNumberForm(FlaskForm):
    """The first number that a new phone shows."""

    totp = StringField(
        _l("新手机上的六位数"),
        description=_l("扫完码，验证器里会出现每 30 秒一换的六位数"),
        validators=[InputRequired(_l("请输新手机上的六位数。")), Length(max=40)],
    )


class PasskeyForm(FlaskForm):
    """What to call a passkey, and what the device has answered; a script puts that in."""

    name = StringField(
        _l("给它起个名字"),
        description=_l("比如“办公室电脑”“我的手机”，以后好认"),
        validators=[
            InputRequired(_l("请起个名字，以后好认。")),
            Length(max=40, message=_LONG),
        ],
    )
    passkey = HiddenField(validators=[Length(max=ANSWER_MOST)])


class StayForm(FlaskForm):
    """That somebody is still there, and where they were."""

    next = HiddenField(validators=[Length(max=500)])


class ActForm(FlaskForm):
    """A button and nothing else."""


class LeaveForm(FlaskForm):
    """The household that the page spoke of: another one may be chosen by now."""

    home = HiddenField(validators=[Length(max=12)])


class RevealForm(FlaskForm):
    """Why the desk looks at a whole phone number."""

    reason = RadioField(
        _l("为什么要看（会告诉本户）"),
        validators=[InputRequired(_l("请选一个理由。没有显示号码。"))],
        choices=[SelectChoice(reason.value, words) for reason, words in REVEAL_REASONS.items()],
    )


class KeepForm(FlaskForm):
    """Why a contested member stays, for the household to read."""

    why = StringField(
        _l("跟这一户说一句"),
        description=_l("比如“是家里老人的手机，本人到场认过”。一家人都会看到，请不要写电话。"),
        validators=[InputRequired(_l("请写一句，家里人好放心。")), Length(max=100)],
    )


class MovedForm(FlaskForm):
    """That a family moved out; `seen` marks who was in when the page was made."""

    seen = HiddenField(validators=[InputRequired(), Length(max=60)])


class OwnerForm(FlaskForm):
    """The new owners; `seen` marks who was in when the page was made."""

    owner = StringField(
        _l("新房主（产权人）的姓名"),
        description=_l("照不动产证上写；几个人用顿号隔开"),
        validators=[InputRequired(_l("请写新房主的姓名。")), Length(max=200, message=_LONG)],
    )
    phones = StringField(
        _l("新房主的电话"),
        description=_l("可以先空着；以后在“改底册上的登记”里补"),
        validators=[Length(max=120, message=_LONG)],
    )
    checked = BooleanField(
        _l("看过不动产证或者买卖合同，房子确实换了房主"),
        validators=[InputRequired(_l("没有勾选。什么都没有改动。"))],
    )
    seen = HiddenField(validators=[InputRequired(), Length(max=60)])


class PartForm(FlaskForm):
    """A part of the community; looking at it changes nothing, so it goes by GET."""

    class Meta:
        """The choice stays in the address."""

        csrf = False

    part = SelectField(_l("哪里的住户"))


class RevokePartForm(FlaskForm):
    """The codes somebody was shown, to be revoked; `expected` is how many they were."""

    part = HiddenField(validators=[InputRequired(), Length(max=80)])
    expected = IntegerField(validators=[InputRequired()], widget=HiddenInput())

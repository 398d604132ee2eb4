"""The shape of a ballot and of a draft. Says nothing about who may send it, or when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
    ValidationError,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from app.core import clock
from app.core.errors import NotFound
from app.core.words import yuan
from app.voting import words
from app.voting.launching import PollDraft
from app.voting.rules import (
    TITLE_LENGTH,
    Method,
    PollKind,
    Rules,
    ShareTest,
    default_rules,
    meeting_rules,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.voting.queries import DraftView
    from app.voting.steps import OptionCard

FIRST_DAYS = 1
USUAL_DAYS = 14
OPENING_HOUR, CLOSING_HOUR = 9, 18
NO_SHARE = "none"
SHARES = ((1, 3, ">="), (1, 2, ">="), (1, 2, ">"), (2, 3, ">="), (3, 4, ">="))


class BallotForm(FlaskForm):
    """A ballot: what was ticked, and the token of this showing of the form."""

    choice = SelectMultipleField(validate_choice=False, choices=[])
    token = HiddenField()


def _two_or_more(_form: FlaskForm, field: SelectMultipleField) -> None:
    """Refuse too few ticks. InputRequired would make browsers ask for every single tick."""
    if len(field.data or ()) < 2:  # noqa: PLR2004 -- a choice
        raise ValidationError(_l("请至少选 2 个项目。"))


class DraftForm(FlaskForm):
    """What all drafts have in common."""

    title = StringField(
        _l("问题"),
        description=_l("选票上最大的一行字，一句话问清楚"),
        validators=[
            InputRequired(_l("请写要问的问题。")),
            Length(max=TITLE_LENGTH, message=_l("不超过 120 个字。")),
        ],
    )
    explanation = TextAreaField(
        _l("说明"),
        description=_l("为什么问、结果怎么用，写两三句就够"),
        validators=[Length(max=2000, message=_l("不超过 2,000 个字。"))],
    )
    opens_date = DateField(_l("开始日期"), validators=[InputRequired(_l("请选开始日期。"))])
    opens_time = TimeField(_l("开始时间"), validators=[InputRequired(_l("请选开始时间。"))])
    closes_date = DateField(_l("截止日期"), validators=[InputRequired(_l("请选截止日期。"))])
    closes_time = TimeField(_l("截止时间"), validators=[InputRequired(_l("请选截止时间。"))])

    method = Method.YES_NO
    kind = PollKind.PREFERENCE_POLL

    def offer(self, cards: Sequence[OptionCard]) -> None:
        """Fill in what there is to choose from."""
        self.projects.choices = [SelectChoice(card.option, _priced(card)) for card in cards]

    def _rules(self) -> Rules:
        raise NotImplementedError

    def _projects(self) -> tuple[str, ...]:
        return (self.projects.data,)

    def draft(self) -> PollDraft:
        """The draft that was typed; call only after validation."""
        return PollDraft(
            title=(self.title.data or "").strip(),
            explanation=(self.explanation.data or "").strip(),
            method=self.method,
            projects=self._projects(),
            rules=self._rules(),
            opens_at=_moment(self.opens_date, self.opens_time),
            closes_at=_moment(self.closes_date, self.closes_time),
            kind=self.kind,
        )


class PreferenceForm(DraftForm):
    """A poll that informs: the desk chooses the shares."""

    participation = SelectField(_l("参加的户数要达到"))
    agreement = SelectField(_l("怎样算通过"))

    def offer(self, cards: Sequence[OptionCard]) -> None:
        """Fill in what there is to choose from."""
        super().offer(cards)
        self.participation.choices = _share_choices(("electorate",), none=str(_l("不设参加下限")))
        self.agreement.choices = _share_choices(
            self.method.agreement_bases, none=self._no_agreement()
        )

    def _no_agreement(self) -> str:
        return ""

    def _rules(self) -> Rules:
        return Rules(_tests(self.participation.data), _tests(self.agreement.data))


class YesNoForm(PreferenceForm):
    """同意, 反对 or 弃权 on one project."""

    projects = RadioField(_l("项目"), validators=[InputRequired(_l("请选一个项目。"))])


class ChooseForm(PreferenceForm):
    """Up to k of n projects."""

    method = Method.CHOOSE
    agreement = SelectField(_l("胜出的项目，得票另外要达到"))
    projects = SelectMultipleField(
        _l("项目"),
        validators=[_two_or_more],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    k = IntegerField(
        _l("每户最多选几项"),
        validators=[
            InputRequired(_l("请写一个数字。")),
            NumberRange(1, 30, _l("请写 1 到 30 之间的整数。")),
        ],
    )
    seats = IntegerField(
        _l("得票最多的前几项胜出"),
        validators=[
            InputRequired(_l("请写一个数字。")),
            NumberRange(1, 30, _l("请写 1 到 30 之间的整数。")),
        ],
    )

    def _no_agreement(self) -> str:
        return str(_l("不另设得票下限"))

    def _rules(self) -> Rules:
        asked = super()._rules()
        return Rules(asked.participation, asked.agreement, k=self.k.data, seats=self.seats.data)

    def _projects(self) -> tuple[str, ...]:
        return tuple(self.projects.data)


class MeetingForm(DraftForm):
    """同意, 反对 or 弃权 on a text, by the shares of the law, which the desk cannot change."""

    kind = PollKind.MEETING_RESOLUTION
    projects = RadioField(_l("表决什么"), validators=[InputRequired(_l("请选要表决的文本。"))])

    def offer(self, cards: Sequence[OptionCard]) -> None:
        """Fill in what there is to vote on; the only text is chosen, and the question asked."""
        super().offer(cards)
        if len(cards) == 1 and self.projects.data is None:
            self.projects.data = cards[0].option
        if len(cards) == 1 and self.title.data is None:
            self.title.data = _("您同意通过“%(title)s”吗？", title=cards[0].title)

    def _rules(self) -> Rules:
        room, _colon, _number = self.projects.data.partition(":")
        return meeting_rules(room)


# By the word in the address of a new draft.
FORMS: dict[str, type[DraftForm]] = {
    "yes_no": YesNoForm,
    "choose": ChooseForm,
    "meeting": MeetingForm,
}


def form_of(kind: PollKind, method: Method) -> type[DraftForm]:
    """The form a stored draft was written in. Raises: NotFound for a poll that no form wrote."""
    found = [one for one in FORMS.values() if (one.kind, one.method) == (kind, method)]
    if not found:
        raise NotFound("form")
    return found[0]


def _priced(card: OptionCard) -> str:
    """A project in the list to choose from, with what it costs."""
    if card.cost_fen is None:
        return card.title
    return _("%(title)s（%(yuan)s 元）", title=card.title, yuan=yuan(card.cost_fen))


def _share_choices(bases: Sequence[str], none: str) -> list[SelectChoice]:
    tests = [ShareTest(of, *share) for of in bases for share in SHARES]
    choices = [SelectChoice(_key(test), _label(test, len(bases))) for test in tests]
    return [SelectChoice(NO_SHARE, none), *choices] if none else choices


def _label(test: ShareTest, bases: int) -> str:
    share = _(
        "%(share)s（%(num)s/%(den)s）", share=words.share_text(test), num=test.num, den=test.den
    )
    return (
        share
        if bases == 1
        else _("%(base)s：%(share)s", base=words.base_name(test.of), share=share)
    )


def _key(test: ShareTest) -> str:
    return f"{test.of} {test.num}/{test.den} {test.cmp}"


def _tests(key: str) -> tuple[ShareTest, ...]:
    """The test behind a choice; only keys that were offered pass the form."""
    if key == NO_SHARE:
        return ()
    of, share, comparison = key.split(" ")
    num, den = share.split("/")
    return (ShareTest(of, int(num), int(den), comparison),)


def _moment(day: DateField, time: TimeField) -> datetime:
    at = datetime.combine(day.data, time.data, tzinfo=clock.LOCAL)
    return at.replace(second=0, microsecond=0)


def new_draft_values(method: Method, now: datetime) -> dict[str, Any]:
    """What the form of a new draft begins with: tomorrow morning, two weeks, the usual shares."""
    first = clock.local(now) + timedelta(days=FIRST_DAYS)
    last = first + timedelta(days=USUAL_DAYS)
    return _rule_values(default_rules(method, 2)) | {
        "opens_date": first.date(),
        "opens_time": first.replace(hour=OPENING_HOUR, minute=0).time(),
        "closes_date": last.date(),
        "closes_time": last.replace(hour=CLOSING_HOUR, minute=0).time(),
    }


def draft_values(draft: DraftView) -> dict[str, Any]:
    """A stored draft as the form shows it."""
    opens, closes = clock.local(draft.opens_at), clock.local(draft.closes_at)
    one = draft.method is Method.YES_NO
    return _rule_values(draft.rules) | {
        "title": draft.title,
        "explanation": draft.explanation,
        "projects": draft.projects[0] if one else list(draft.projects),
        "opens_date": clock.day_of(draft.opens_at),
        "opens_time": opens.time(),
        "closes_date": clock.day_of(draft.closes_at),
        "closes_time": closes.time(),
    }


def _rule_values(asked: Rules) -> dict[str, Any]:
    return {
        "participation": _first(asked.participation),
        "agreement": _first(asked.agreement),
        "k": asked.k,
        "seats": asked.seats,
    }


def _first(tests: tuple[ShareTest, ...]) -> str:
    return _key(tests[0]) if tests else NO_SHARE

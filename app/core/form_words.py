"""What WTForms says about a field by itself, in the portal's own words and languages.

Its own catalogue has a Chinese of dictionaries, and none of the sentences says what to do now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

if TYPE_CHECKING:
    from flask_babel import LazyString

_CHOOSE = _l("请从列出的里面选。")
_NUMBER = _l("请写一个数字。")
# By the text WTForms looks up; of two plural forms, the first. The placeholders are its own.
SENTENCES: dict[str, LazyString] = {
    "This field is required.": _l("这一栏还没有填。"),
    "Not a valid choice.": _CHOOSE,
    "Not a valid choice": _CHOOSE,
    "Invalid Choice: could not coerce.": _CHOOSE,
    "Invalid choice(s): one or more data inputs could not be coerced.": _CHOOSE,
    "'%(value)s' is not a valid choice for this field.": _CHOOSE,
    "Not a valid integer value.": _NUMBER,
    "Not a valid decimal value.": _NUMBER,
    "Not a valid date value.": _l("请写一个日期，比如 2026-05-20。"),
    "Not a valid time value.": _l("请写一个时间，比如 18:00。"),
    "Not a valid datetime value.": _l("请写日期和时间，比如 2026-05-20 19:00。"),
    "Number must be at least %(min)s.": _l("不能小于 %(min)s。"),
    "Number must be at most %(max)s.": _l("不能大于 %(max)s。"),
    "Number must be between %(min)s and %(max)s.": _l("请写 %(min)s 到 %(max)s 之间的数。"),
    "Field must be at least %(min)d character long.": _l("至少写 %(min)d 个字。"),
    "Field cannot be longer than %(max)d character.": _l("太长了，最多 %(max)d 个字。"),
    "Field must be exactly %(max)d character long.": _l("要正好 %(max)d 个字。"),
    "Field must be between %(min)d and %(max)d characters long.": _l(
        "请写 %(min)d 到 %(max)d 个字。"
    ),
    "Invalid input.": _l("这一栏看不懂，请照提示再写一次。"),
}


class FormWords:
    """What a form asks for its sentences: the two calls of gettext."""

    def gettext(self, text: str) -> str:
        """Say one sentence."""
        return str(SENTENCES.get(text, text))

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Say a sentence with a number in it; ours read alike for one and for many."""
        return str(SENTENCES.get(singular, singular if number == 1 else plural))


def init() -> None:
    """Let every form speak so."""
    words = FormWords()
    FlaskForm.Meta.get_translations = lambda _meta, _form: words


def nobody_yet(text: str | int) -> int | None:
    """Read who was chosen in a list that begins with 请选. Raises: ValueError for no number."""
    return int(text) if text else None

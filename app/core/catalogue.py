"""Flask-Babel's messages, looked up once a request instead of once a sentence.

A page holds over a hundred sentences. Asking for the reader's language, writing it out and looking
for its catalogue for each of them took a third of the processor time of a ballot page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import g
from flask_babel import Domain

if TYPE_CHECKING:
    from babel.support import NullTranslations, Translations
    from flask import Flask
    from flask_babel import Babel


class Catalogue(Domain):  # type: ignore[misc,unused-ignore]
    """The messages of the language that holds now; `force_locale` may change it meanwhile."""

    def get_translations(self) -> Translations | NullTranslations:
        """The messages, read again only when the language is another object than last time."""
        around: Any = g.get("_flask_babel") if g else None
        language = getattr(around, "babel_locale", None)
        if language is None:
            return super().get_translations()
        known: tuple[Any, Translations] | None = getattr(around, "catalogue", None)
        if known is None or known[0] is not language:
            known = around.catalogue = (language, super().get_translations())
        return known[1]


def init(app: Flask, babel: Babel) -> None:
    """Let every sentence of Python and of templates come out of one catalogue."""
    catalogue = babel.domain_instance = Catalogue()
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: catalogue.get_translations().ugettext(text),
        lambda one, many, number: catalogue.get_translations().ungettext(one, many, number),
        newstyle=True,
    )

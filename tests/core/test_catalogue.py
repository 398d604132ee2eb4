"""The language of a sentence is the one that holds when it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import render_template_string
from flask_babel import force_locale
from flask_babel import gettext as _

from app.core.times import in_record_language

if TYPE_CHECKING:
    from flask import Flask

WORD, ENGLISH = "项目", "Projects"


def test_papers_stay_chinese_in_the_middle_of_an_english_page(web_app: Flask) -> None:
    with web_app.test_request_context(headers={"Accept-Language": "en"}):
        assert _(WORD) == ENGLISH
        with in_record_language():
            assert _(WORD) == WORD
            assert render_template_string("{{ _('项目') }}") == WORD
            with force_locale("en"):
                assert _(WORD) == ENGLISH
            assert _(WORD) == WORD
        assert _(WORD) == ENGLISH
        assert render_template_string("{{ _('项目') }}") == ENGLISH


def test_words_are_chinese_where_nobody_reads_a_page(web_app: Flask) -> None:
    with web_app.app_context():
        assert _(WORD) == WORD

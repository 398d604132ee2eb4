"""The record's acts as the dossier lists them: in words, and in columns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.consultations.rules import State
from app.consultations.words import state_badge
from app.core.record import KINDS
from app.exports import dossier, dossier_words, record_words

if TYPE_CHECKING:
    from flask import Flask


def test_every_kind_a_dossier_may_list_has_words(web_app: Flask) -> None:
    rooms = ("topic.", "meeting.", "minutes.", "post.", "appeal.", "opinion.", "poll.", "result.")
    rooms = (*rooms, "repair.")
    with web_app.test_request_context():
        known = set(record_words.plain_words()) | set(record_words.SPOKEN)
    assert {name for name in KINDS if name.startswith(rooms)} <= known


def test_in_no_font_a_column_of_the_record_runs_into_the_next(web_app: Flask) -> None:
    em = 9 / 72 * 2.54  # nine points in cm

    def width(text: str) -> float:
        """With digits as broad as any common font's, and the gap Word sets beside them."""
        gaps = len(re.findall(r"[一-鿿](?=\d)|\d(?=[一-鿿])", text))
        wide = sum(ord(letter) > 0x2000 for letter in text)
        return (wide + 0.64 * (len(text) - wide) + 0.2 * gaps) * em

    with web_app.test_request_context():
        moved = [state_badge(state)[1] for state in State]
        acts = [*record_words.plain_words().values(), *(f"议题转为“{one}”" for one in moved)]
    columns = [["99999"], ["2026年12月25日（周三）20:44"], acts, ["0" * dossier_words.FINGERPRINT]]
    ends = (*dossier.TAB_STOPS, 16.0)
    for begins, ends_at, texts in zip((0.0, *dossier.TAB_STOPS), ends, columns, strict=True):
        assert max(map(width, texts)) < ends_at - begins, texts[0]

"""Answers that never arrive: whoever sends the form again is told the truth, and it counts once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.reliability import figures, rush
from tests.reliability.servers import serving
from tests.support.world import World

if TYPE_CHECKING:
    from flask import Flask

HOMES = 24
FULL = 1000


def answers_lost(app: Flask, least: int) -> tuple[int, int]:
    """Write with every first answer lost; gives how many were lost, and what was acknowledged."""
    town = rush.found_town(World(app), HOMES)
    with serving(app) as server:
        phones = [rush.Phone(town, number, server.port) for number in range(HOMES)]
        for phone in phones:
            phone.loses_answers = True
        patience = time.monotonic() + 60 + least
        with rush.rushing(phones):
            while rush.said(phones).get("lost", 0) < least:
                assert time.monotonic() < patience, rush.said(phones)
                time.sleep(0.01)
        rush.settle(phones)
    said = rush.said(phones)
    # A form that had arrived is not refused when it comes again, and nobody is left in doubt.
    assert set(said) == {"lost", "saved"}, said
    return said["lost"], rush.check(town, phones)


def test_a_form_sent_again_after_a_lost_answer_counts_once_and_is_told_so(app: Flask) -> None:
    lost, written = answers_lost(app, least=30)
    assert lost >= written >= 30


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_thousand_lost_answers(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    lost, written = answers_lost(app, figures.part_of(FULL))
    with capsys.disabled():
        figures.note(
            f"connection cut after the form was sent, sent again, {figures.engine(app)}",
            lost,
            FULL,
            f"{written:,} forms acknowledged",
            doubled=0,
            false_failures=0,
        )

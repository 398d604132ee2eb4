"""Both engines under every test of voting, and a village on a Monday morning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.core import clock
from tests.voting.village import MONDAY, Village, found_village

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask


@pytest.fixture
def monday() -> Iterator[None]:
    """The clock stands on a Monday at half past nine."""
    with clock.set_to(MONDAY):
        yield


@pytest.fixture
def village(app: Flask, monday: None) -> Village:
    """The small community HXL."""
    return found_village(app)

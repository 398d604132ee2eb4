"""Which passwords are easily guessed. Source: docs/rules.md, "Getting in"; ASVS 5.0 6.2."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.people import passwords, slips

AROUND = ("王芳", "HXL", "槐香里社区", "槐香里")


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("fourteen chars", "short"),
        ("密码密码密码", "short"),
        ("password12345678", "common"),
        ("P@ssw0rdP@ssw0rd!", "common"),
        ("qwertyuiopasdfghjkl", "common"),
        ("1q2w3e4r5t6y7u8i", "common"),
        ("1qaz2wsx3edc4rfv", "common"),
        ("zxcvbnm,./asdfghjkl;'", "common"),
        ("123456789012345", "common"),
        ("987654321987654321", "common"),
        ("aaaaaaaaaaaaaaaa", "common"),
        ("abcabcabcabcabcabc", "common"),
        ("kitekitekitekitekite", "common"),
        ("woaini5201314woaini", "common"),
        ("iloveyou1314520521", "common"),
        ("13812345678 19800101", "common"),
        ("2026年5月20日2026年5月20日", "common"),
        ("Summer2026!Summer2026!", "common"),
        ("linyi-HXL-2026-admin", "common"),
        ("槐香里社区居委会管理员密码2026号", "common"),
        ("王芳王芳王芳居委会工作密码123", "common"),
        ("my name is WangFang, hello", "name"),
        ("correct horse battery staple", ""),
        ("我家的猫每天早上都在窗台晒太阳", ""),
        ("tiger lamp river seven", ""),
        ("password: tiger lamp river", ""),
    ],
)
def test_what_is_put_together_from_well_known_pieces_is_refused(
    password: str, problem: str
) -> None:
    assert passwords.problem(password, "wangfang", AROUND) == problem


def test_of_the_usual_ways_to_make_a_long_password_none_gets_through() -> None:
    """Two or three known pieces, a date or a run, and what people put between and behind."""
    draw = random.Random(5)
    known = sorted(passwords.KNOWN)
    ends = ("", "!", "123", "2026", "520", "!!!", "19900101", "abc")
    tried = 0
    while tried < 3000:
        parts = draw.choices(known, k=draw.choice((2, 3, 4)))
        cased = [draw.choice((str, str.title, str.upper))(part) for part in parts]
        password = draw.choice(("", "-", "_", " ", "@")).join(cased) + draw.choice(ends)
        if len(password) < passwords.SHORTEST:
            continue
        tried += 1
        assert passwords.problem(password, "zhaomin") == "common", password


def test_our_own_random_passwords_pass() -> None:
    for number in range(2000):
        assert not passwords.problem(slips.new_password(f"name{number}"), f"name{number}")


@given(st.text(max_size=200), st.text(max_size=20))
def test_any_text_has_an_answer(password: str, name: str) -> None:
    assert passwords.problem(password, name) in {"", "short", "common", "name"}


@given(st.text(min_size=1, max_size=40))
def test_saying_it_again_makes_nothing_stronger(text: str) -> None:
    """Whatever is refused for what it is made of stays refused when it is repeated."""
    once = text if len(text) >= passwords.SHORTEST else text.ljust(passwords.SHORTEST, text[0])
    if passwords.problem(once, "") == "common":
        assert passwords.problem(once * 2, "") == "common"

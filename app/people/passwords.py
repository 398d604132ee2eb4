"""Whether a password is hard enough to guess. Pure. Source: docs/rules.md, "Getting in".

A list of stolen passwords would be large, and few of those have fifteen characters. What makes a
long one weak is what it is put together from: well-known words, runs on the keyboard, counting,
dates, phones, repeats, and what anybody knows of the place. All that is taken away, and what is
left has to be enough.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST = 15
LEFT = 8
KINDS = 5
# A piece that came before in the same password, or that runs on, counts as nothing.
REPEATED = 3
RUN = 3
ON_KEYBOARD = 4
SHORTEST_NAME = 3
# Of everybody's passwords, here and abroad; and of what this portal is about.
_WORDS = (
    "password passwort passwd passcode passwords pass123 secret letmein welcome login logon admin"
    " administrator root user guest test default changeme access master iloveyou loveyou lovely"
    " princess sunshine superman batman dragon monkey football baseball basketball soccer hockey"
    " jordan michael jennifer jessica ashley daniel thomas charlie shadow killer trustno1 starwars"
    " computer internet samsung google facebook linkedin microsoft windows android iphone whatever"
    " freedom forever flower chocolate cookie cheese summer winter spring autumn january february"
    " monday friday sunday hello hello123 abc123 qwe123 asd123 zxc123 qweasd asdzxc qazwsx 1q2w3e4r"
    " 1qaz2wsx 3edc4rfv 5tgb6yhn q1w2e3r4 aa123456 a123456 woaini woaiwojia 5201314 1314520 520520"
    " 521521 1314521 7758521 7758258 147258369 147852369 741852963 159357 159753 789456 456789"
    " mima wodemima denglu guanliyuan gongzuo nihao zhongguo woaizhongguo beijing shanghai"
    " guangzhou shenzhen tianjin chongqing hangzhou nanjing wuhan chengdu xiaoming wangwei zhangwei"
    " lihua wangfang liwei zhangmin baobao laopo laogong caonima fuck shequ juweihui jiedao"
    " fuwuzhan xieshang jumin toupiao linyi community resident committee portal office desk"
    " 密码 口令 登录 管理员 我爱你 我的 中国 北京 上海 社区 居委会 居民 街道 服务站 服务台"
    " 邻议 协商 投票 工作 你好 共同缔造"
)
KNOWN = frozenset(_WORDS.split())
_ROWS = (
    *("`1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./", "!@#$%^&*()_+"),
    # Two rows in turn, and columns.
    *("1q2w3e4r5t6y7u8i9o0p", "qawsedrftgyhujikolp", "azsxdcfvgbhnjmk"),
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.",
)
_KEYBOARD = tuple(row for line in _ROWS for row in (line, line[::-1]))
_LOOKALIKE = str.maketrans("@0134578$!", "aoieastbsi")
_NUMBERS = re.compile(
    r"1[3-9]\d{9}|(?:19|20)\d\d[-./年]?(?:0?[1-9]|1[0-2])[-./月]?(?:[0-2]?\d|3[01])日?|(?:19|20)\d\d"
)


def problem(password: str, sign_in_name: str, around: Iterable[str] = ()) -> str:
    """Why a password is refused: `short`, `name`, `common`, or empty.

    `around` are the words that anybody knows of whoever it is: their name, their community.
    """
    if len(password) < SHORTEST:
        return "short"
    low = unicodedata.normalize("NFKC", password).lower()
    name = sign_in_name.lower()
    if name and name in low:
        return "name"
    known = KNOWN | {word.lower() for word in (*around, name) if len(word) > 1}
    # Written with look-alikes (p@ssw0rd) a word is as well known as it ever was.
    left = min(_left(low, known), _left(low.translate(_LOOKALIKE), known))
    return "common" if left < LEFT or len(set(low)) < KINDS else ""


def _left(text: str, known: frozenset[str]) -> int:
    """How many characters are neither part of a known piece nor between words, at the fewest."""
    fewest = [0] * (len(text) + 1)
    for at in reversed(range(len(text))):
        ways = [fewest[at + 1] + text[at].isalnum()]
        ways += [fewest[at + length] for length in _known_pieces(text, at, known)]
        fewest[at] = min(ways)
    return fewest[0]


def _known_pieces(text: str, at: int, known: frozenset[str]) -> set[int]:
    """How long the pieces are that begin here and that a guesser tries first."""
    number = _NUMBERS.match(text, at)
    most = min(max(map(len, known)), len(text) - at)
    return {
        *({number.end() - at} if number else ()),
        *(length for length in range(2, most + 1) if text[at : at + length] in known),
        *range(RUN, _run(text, at) + 1),
        *range(ON_KEYBOARD, _on_keyboard(text, at) + 1),
        *range(REPEATED, _repeat(text, at) + 1),
    }


def _run(text: str, at: int) -> int:
    """How far it counts up or down, or is the same character again: abcd, 9876, aaaa."""
    best = 0
    for step in (-1, 0, 1):
        end = at + 1
        while end < len(text) and ord(text[end]) - ord(text[end - 1]) == step:
            end += 1
        best = max(best, end - at)
    return best


def _on_keyboard(text: str, at: int) -> int:
    """How far it goes along a row of the keyboard, either way."""
    length = 0
    while at + length < len(text) and any(text[at : at + length + 1] in row for row in _KEYBOARD):
        length += 1
    return length


def _repeat(text: str, at: int) -> int:
    """How much of it stood in this very text before."""
    length = 0
    while at + length < len(text) and text[at : at + length + 1] in text[:at]:
        length += 1
    return length

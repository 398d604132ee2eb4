"""An address as people write it, and the order in which people walk. Pure.

The parts of an address are normalised: 12甲, 2, 502.
"""

from __future__ import annotations

import re
import unicodedata

STEMS = "甲乙丙丁戊己庚辛壬癸"
NUMERALS = "零一二三四五六七八九十"
_DASHES = str.maketrans("—–－", "---")
_PARTING = re.compile(r"\s*(?:号楼|栋|幢|座|单元)\s*")
_ROOM = re.compile(r"(?<=\d)\s*[室房](?=\s|$)")
_BEFORE_FIGURES = re.compile(rf"(?<=[一-鿿])(?=\d+[{STEMS}]?-)")
_PIECES = re.compile(rf"\d+|[{NUMERALS}{STEMS}]|[^\d{NUMERALS}{STEMS}]+")

WalkingKey = tuple[tuple[tuple[int, int, str], ...], ...]


def address_text(estate: str, building: str, stairwell: str, room: str) -> str:
    """The address in full: 槐香里一区 3 号楼 2 单元 501 室."""
    parts = [
        estate,
        f"{building} 号楼",
        f"{stairwell} 单元" if stairwell else "",
        room_text(room),
    ]
    return " ".join(part for part in parts if part)


def address_short(estate: str, building: str, stairwell: str, room: str) -> str:
    """The address in one short line: 槐香里一区 3-2-501."""
    return f"{estate} " + "-".join(part for part in (building, stairwell, room) if part)


def building_text(building: str) -> str:
    """A building as people call it: 12甲号楼."""
    return f"{building}号楼"


def stairwell_text(stairwell: str) -> str:
    """A stairwell as people call it: 2单元; nothing for a point block."""
    return f"{stairwell}单元" if stairwell else ""


def room_text(room: str) -> str:
    """A room as people write it: 501 室; 门市3号 stays as it is."""
    return f"{room} 室" if room[:1].isdigit() else room


def looked_for(text: str) -> list[str]:
    """The words of a search, with an address as people say it in the form that rolls are read by.

    槐香里一区3号楼2单元501室 is looked for as 槐香里一区 and 3-2-501, and 3号楼 as 3-.
    """
    said = unicodedata.normalize("NFKC", text).translate(_DASHES)
    said = _PARTING.sub("-", said)
    said = _ROOM.sub("", said)
    return _BEFORE_FIGURES.sub(" ", said).split()


def walking_key(estate: str, building: str, stairwell: str, room: str) -> WalkingKey:
    """Sorts homes as a deliverer walks: estate, building, stairwell, floor, room.

    Figures count as numbers: 101, 102, 201, 1001; 12 comes before 12甲 and that before 13. A point
    block has no stairwell and comes before numbered ones; 门市 comes after the numbered rooms.
    """
    return tuple(map(natural_key, (estate, building, stairwell, room)))


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Figures by their value, 一二三 and 甲乙丙 in their own order, the rest by characters."""
    return tuple(map(_piece, _PIECES.findall(text)))


def _piece(piece: str) -> tuple[int, int, str]:
    if piece.isdecimal():
        return 0, int(piece), ""
    if piece in NUMERALS:
        return 0, NUMERALS.index(piece), ""
    if piece in STEMS:
        return 1, STEMS.index(piece), ""
    return 2, 0, piece

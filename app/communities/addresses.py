"""An address as people write it. Pure; its parts are normalised: 12甲, 2, 502."""

from __future__ import annotations


def address_text(estate: str, building: str, stairwell: str, room: str) -> str:
    """The address in full: 槐香里一区 3 号楼 2 单元 501 室."""
    parts = [
        estate,
        f"{building} 号楼",
        f"{stairwell} 单元" if stairwell else "",
        _room(room),
    ]
    return " ".join(part for part in parts if part)


def address_short(estate: str, building: str, stairwell: str, room: str) -> str:
    """The address in one short line: 槐香里一区 3-2-501."""
    return f"{estate} " + "-".join(part for part in (building, stairwell, room) if part)


def _room(room: str) -> str:
    return f"{room} 室" if room[:1].isdigit() else room

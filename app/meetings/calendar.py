"""A meeting as an iCalendar file (RFC 5545)."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from app.meetings.queries import MeetingView

LINE_OCTETS = 75


def ics(meeting: MeetingView, organiser: str, address: str) -> str:
    """One event with a reminder an hour before; lines end in CRLF and are folded at 75 octets."""
    ends_at = meeting.starts_at + timedelta(minutes=meeting.minutes)
    status = "CANCELLED" if meeting.state == "postponed" else "CONFIRMED"
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Linyi//Meetings//ZH",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{meeting.public_id}@meetings.linyi",
        f"DTSTAMP:{_stamp(meeting.announced_at)}",
        f"DTSTART:{_stamp(meeting.starts_at)}",
        f"DTEND:{_stamp(ends_at)}",
        f"SUMMARY:{_text(meeting.title)}",
        f"LOCATION:{_text(meeting.place)}",
        f"DESCRIPTION:{_text(organiser)}",
        f"URL:{address}",
        f"STATUS:{status}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_text(meeting.title)}",
        "TRIGGER:-PT1H",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(_folded(line) + "\r\n" for line in lines)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(words: str) -> str:
    for sign in ("\\", ";", ","):
        words = words.replace(sign, "\\" + sign)
    return words.replace("\n", "\\n")


def _folded(line: str) -> str:
    """Fold a long line between characters, never inside one."""
    parts, current, room = [], "", LINE_OCTETS
    for character in line:
        size = len(character.encode())
        if size > room:
            parts.append(current)
            current, room = "", LINE_OCTETS - 1
        current += character
        room -= size
    return "\r\n ".join([*parts, current])

"""Log lines as JSON with allow-listed fields: no phone, code, token or cookie can slip in."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

from app.core import clock

if TYPE_CHECKING:
    from app.config import Settings

FIELDS = ("job", "kind", "community", "poll", "seconds", "status")


class JsonLines(logging.Formatter):
    """One JSON object a line; line breaks in a message cannot make a second one."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the message, its origin, the allowed extra fields, and the fault's trace."""
        line: dict[str, object] = {
            "at": clock.to_record(clock.now()),
            "level": record.levelname,
            "from": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def init(settings: Settings) -> None:
    """Send the portal's log to standard error."""
    root = logging.getLogger()
    if not any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        root.addHandler(handler)
    root.setLevel(logging.INFO if settings.production else logging.WARNING)

"""What somebody can read in an answer, whatever kind of file it is."""

from __future__ import annotations

import html
import io
import re
import subprocess
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

TAGS = re.compile(r"<[^>]*>")
NUMBERED = re.compile(r"\\u([0-9a-f]{4})")
PAPER, PACKED = b"%PDF", b"PK\x03\x04"
MARKED = {"text/html", "application/xml", "text/xml"}


def kind_of(answer: TestResponse) -> str:
    """What an answer is to whoever reads it: `pdf` and `zip` by their first bytes."""
    if answer.data.startswith(PAPER):
        return "pdf"
    if answer.data.startswith(PACKED):
        return "zip"
    return answer.mimetype


def words_in(data: bytes, *, marked: bool = False) -> Iterator[str]:
    """All text in a file: of a paper its words, of a workbook or an archive each part's."""
    if data.startswith(PAPER):
        command = ["pdftotext", "-raw", "-", "-"]
        yield subprocess.run(command, input=data, capture_output=True, check=True).stdout.decode()
    elif data.startswith(PACKED):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for name in packed.namelist():
                yield name
                yield from words_in(packed.read(name), marked=name.endswith((".xml", ".rels")))
    else:
        # JSON may write what is not ASCII by its number.
        text = NUMBERED.sub(lambda found: chr(int(found[1], 16)), data.decode("utf-8", "replace"))
        yield text
        if marked:
            yield html.unescape(TAGS.sub("", text))


def squeezed(text: str) -> str:
    """A text without spaces and dashes, as numbers and codes are kept."""
    return "".join(text.split()).replace("-", "")


def found_in(answer: TestResponse, wanted: frozenset[str]) -> list[str]:
    """Which of these texts somebody can read in an answer."""
    texts = list(words_in(answer.data, marked=answer.mimetype in MARKED))
    texts += [squeezed(text) for text in texts]
    return sorted(each for each in wanted if any(each in text for text in texts))

"""Papers opened as whoever holds them sees them: pages as pictures, their text, their codes."""

from __future__ import annotations

import io
import subprocess
from typing import TYPE_CHECKING

import pikepdf
import zxingcpp
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

A4_POINTS = (595, 842)
A3_POINTS = (842, 1191)


def run(data: bytes, *command: str) -> bytes:
    """What a program of poppler says of a PDF."""
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def text_of(data: bytes) -> str:
    """The text of all pages; each page ends in a form feed."""
    return run(data, "pdftotext", "-layout", "-", "-").decode()


def words_of(data: bytes) -> str:
    """The text without any space, as a search would want it."""
    return "".join(text_of(data).split())


def pages_of(data: bytes, dpi: int = 150) -> list[Image.Image]:
    """Every page as a grey picture, as a copying machine would make it."""
    pictures = run(data, "pdftoppm", "-r", str(dpi), "-gray", "-")
    stream, pages = io.BytesIO(pictures), []
    while stream.tell() < len(pictures):
        magic, size, _most = (stream.readline() for _ in range(3))
        assert magic == b"P5\n"
        width, height = map(int, size.split())
        pages.append(Image.frombytes("L", (width, height), stream.read(width * height)))
    return pages


def codes_on(data: bytes) -> list[str]:
    """The household codes behind the QRs of letters, in order."""
    read = [zxingcpp.read_barcodes(page) for page in pages_of(data)]
    assert all(len(found) == 1 for found in read)
    return [found[0].text.partition("#")[2] for found in read]


def symbol_mm(barcode: zxingcpp.Barcode, dpi: int) -> float:
    """How wide a code is printed, without its quiet zone."""
    corners = barcode.position
    return (corners.top_right.x - corners.top_left.x) / dpi * 25.4


def sizes_of(data: bytes) -> Sequence[tuple[int, int]]:
    """The size of each page in points."""
    with pikepdf.open(io.BytesIO(data)) as paper:
        return [(round(page.mediabox[2]), round(page.mediabox[3])) for page in paper.pages]

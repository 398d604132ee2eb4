"""QR codes: one as SVG for a page, thousands as runs of modules for letters.

Figures in docs/adr/0005-two-qr-encoders.md: the C++ encoder is far quicker for letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import qrcode
import zxingcpp
from qrcode.constants import ERROR_CORRECT_M

QUIET = 4


@dataclass(frozen=True, slots=True)
class Drawn:
    """A QR code as the outline that a page can draw; `size` counts modules with the quiet zone."""

    size: int
    path: str


def drawn(text: str) -> Drawn:
    """A QR code for a page that must not fetch it a second time, such as one with a secret."""
    matrix = _matrix(text)
    runs = "".join(_runs(y + QUIET, row) for y, row in enumerate(matrix))
    return Drawn(len(matrix) + 2 * QUIET, runs)


def svg(text: str) -> str:
    """A QR code as an SVG document of one path, with its quiet zone; error correction M."""
    return _svg(_matrix(text))


def _matrix(text: str) -> list[list[bool]]:
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    return [list(map(bool, row)) for row in code.get_matrix()]


def fast_svg(text: str, level: str = "M") -> str:
    """The same by the C++ encoder; `level` is L, M, Q or H."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    image = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False)
    rows = memoryview(cast(Any, image))
    height, width = rows.shape  # type: ignore[misc]
    return _svg([[rows[y, x] == 0 for x in range(width)] for y in range(height)])


def _svg(matrix: list[list[bool]]) -> str:
    size = len(matrix) + 2 * QUIET
    runs = "".join(_runs(y + QUIET, row) for y, row in enumerate(matrix))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" '
        f'shape-rendering="crispEdges"><rect width="{size}" height="{size}" fill="#fff"/>'
        f'<path fill="#000" d="{runs}"/></svg>'
    )


def _runs(y: int, row: list[bool]) -> str:
    """Dark modules of a row as one rectangle for each run."""
    parts: list[str] = []
    start = -1
    for x, dark in enumerate([*row, False]):
        if dark and start < 0:
            start = x
        elif not dark and start >= 0:
            parts.append(f"M{start + QUIET} {y}h{x - start}v1h-{x - start}z")
            start = -1
    return "".join(parts)

"""Pictures: decoded, turned upright, painted on a new canvas, so that nothing of the file stays.

Source: docs/what-is-protected.md (no position, no script, no hidden tail in a picture).
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from app.core.errors import RuleBroken

MAX_BYTES = 12 * 1024 * 1024
MAX_PIXELS = 50_000_000
LARGE_PX = 1600
THUMB_PX = 400
QUALITY = 82
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready to keep: WebP at most 1,600 px, and its thumbnail."""

    large: bytes
    thumb: bytes
    width: int
    height: int


def repaint(data: bytes) -> Picture:
    """Decode a JPEG, PNG or WebP of at most 12 MB and 50 million pixels and paint it anew.

    Raises: RuleBroken picture.too_large, picture.not_one, picture.too_many_pixels.
    """
    if len(data) > MAX_BYTES:
        raise RuleBroken("picture.too_large", megabytes=MAX_BYTES // 1024 // 1024)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = _painted(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RuleBroken("picture.too_many_pixels", millions=MAX_PIXELS // 1_000_000) from error
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
    ) as error:
        raise RuleBroken("picture.not_one") from error
    large, thumb = _within(image, LARGE_PX), _within(image, THUMB_PX)
    return Picture(_webp(large), _webp(thumb), large.width, large.height)


def _painted(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP"]) as source:
        if source.width * source.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        source.draft("RGB", (LARGE_PX, LARGE_PX))
        upright = ImageOps.exif_transpose(source)
        canvas = Image.new("RGB", upright.size, "white")
        has_alpha = upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info
        layer = upright.convert("RGBA") if has_alpha else upright.convert("RGB")
        canvas.paste(layer, mask=layer if has_alpha else None)
        return canvas


def _within(image: Image.Image, longest: int) -> Image.Image:
    smaller = image.copy()
    smaller.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return smaller


def _webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()

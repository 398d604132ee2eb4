"""Files that people, or those who mean harm, send where a photo is asked for."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass

from PIL import Image, PngImagePlugin

PHONE_SHOT = (600, 400)


@dataclass(frozen=True)
class Sent:
    """A file as sent. `kept` says whether a picture may come of it; `tail` must never be kept."""

    name: str
    data: bytes
    kept: bool = False
    tail: bytes = b""


def encoded(kind: str, size: tuple[int, int] = PHONE_SHOT, **options: object) -> bytes:
    """A plain picture."""
    out = io.BytesIO()
    Image.new("RGB", size, "seagreen").save(out, kind, **options)
    return out.getvalue()


def with_position() -> bytes:
    """A photo that tells where, when and with what it was taken."""
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (41.0, 12.0, 3.0), 3: "E", 4: (123.0, 4.0, 5.0)}
    exif[0x010F] = "PhoneMaker"
    exif[0x9003] = "2026:05:20 10:03:00"
    return encoded("JPEG", exif=exif)


def _chunk(name: bytes, data: bytes) -> bytes:
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be very large."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + header + pixels + _chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("note", "0" * 60_000_000, zip=True)
    return encoded("PNG", pnginfo=text)


def _archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("../../evil.sh", "rm -rf /")
    return out.getvalue()


def _moving() -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    return out.getvalue()


def hostile() -> list[Sent]:
    """More than twenty of them."""
    script = b"<script>alert(document.cookie)</script>"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>'
    jpeg, png = encoded("JPEG"), encoded("PNG")
    return [
        Sent("page.jpg", b"<!doctype html>" + script),
        Sent("drawing.svg", svg),
        Sent("drawing.jpg", svg),
        Sent("php.jpg", jpeg + b"<?php system($_GET[0]); ?>", kept=True, tail=b"<?php"),
        Sent("zip.jpg", jpeg + _archive(), kept=True, tail=b"evil.sh"),
        Sent("script.png", png + script, kept=True, tail=b"<script>"),
        Sent("position.jpg", with_position(), kept=True, tail=b"PhoneMaker"),
        Sent("../../../etc/passwd.png", png, kept=True, tail=b"passwd"),
        Sent("a\u202egpj.exe", b"MZ\x90\0" + b"\0" * 100),
        Sent("half.jpg", encoded("JPEG", (1200, 900), quality=95)[:900]),
        Sent("wrong-sum.png", png[:40] + bytes([png[40] ^ 255]) + png[41:]),
        Sent("sixty-megapixels.png", claims(10_000, 6_000)),
        Sent("as-wide-as-numbers-go.png", claims(2**31 - 1, 2**31 - 1)),
        Sent("no-size.png", claims(0, 0)),
        Sent("text-bomb.png", _text_bomb()),
        Sent("picture.gif", encoded("GIF")),
        Sent("picture.tiff", encoded("TIFF")),
        Sent("picture.bmp", encoded("BMP")),
        Sent("picture.ico", encoded("ICO", (32, 32))),
        Sent("postscript.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"),
        Sent("paper.pdf", b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript>>>>endobj"),
        Sent("packed.jpg", _archive()),
        Sent("entities.jpg", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        Sent("moving.webp", _moving(), kept=True),
        Sent("thirteen-megabytes.jpg", jpeg + b"\0" * (13 * 1024 * 1024)),
    ]

"""Files that a command writes: whole or not at all, and for their owner's eyes alone."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import click

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def whole_file(out: Path) -> Iterator[BinaryIO]:
    """A file that stands under its name only once it is whole, and that nobody else can read.

    Raises: ClickException when there is no such folder, or it may not be written.
    """
    if not out.parent.is_dir():
        raise click.ClickException(f"refused: there is no folder {out.parent}; nothing was written")
    part = out.with_name(out.name + ".part")
    try:
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        why = error.strerror
        raise click.ClickException(f"refused: {out}: {why}; nothing was written") from error
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)

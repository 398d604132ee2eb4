"""Write what `make soak` saw into docs/reliability.md: `python tools/reliability.py FIGURES`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
BEGIN = "<!-- figures: written by tools/reliability.py -->\n"
END = "<!-- end of figures -->"


def command_of(line: dict[str, Any]) -> str:
    """How to see this figure again."""
    return f".venv/bin/python -m pytest -m soak {line['test'].partition('[')[0]}"


def machine(line: dict[str, Any]) -> str:
    """Its size, and how busy it was."""
    return f"{line['cores']} cores, {line['memory_gb']} GB, load {line['load']}"


def table(lines: list[dict[str, Any]]) -> str:
    """The figures, the newest of each kind, with the commands that give them again."""
    newest = {line["what"]: line for line in lines}.values()
    rows = [
        f"| {line['what']} | {line['done']:,} of {line['full']:,} | {line['seen']} | "
        f"**{line['wrong']}** | {line['at']} | {machine(line)} |"
        for line in newest
    ]
    commands = sorted({command_of(line) for line in newest})
    return "\n".join(
        [
            "| what | how often | what was seen | must be 0 | when | machine |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "Each alone:",
            "",
            "```",
            *commands,
            "```",
            "",
        ]
    )


def main(arguments: list[str]) -> int:
    """Replace the table between the two marks."""
    figures = Path(arguments[0])
    if not figures.exists():
        print("No figures: the tests that write them did not get to their end.", file=sys.stderr)
        return 1
    lines = [json.loads(line) for line in figures.read_text(encoding="utf-8").splitlines()]
    before, _mark, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _old, _mark, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(lines)}\n{END}{after}", encoding="utf-8")
    print(f"{len(lines)} figures written to {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

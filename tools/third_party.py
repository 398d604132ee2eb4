"""Write THIRD_PARTY.md from the vendor manifest and from what is installed."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def licence(name: str) -> str:
    """The licence a package states, in a few words."""
    about = metadata.metadata(name)
    if expression := about.get("License-Expression"):
        return expression
    marks = [
        mark.split("::")[-1].strip()
        for mark in about.get_all("Classifier") or []
        if "License ::" in mark
    ]
    return ", ".join(marks) or (about.get("License") or "see the package").splitlines()[0][:60]


def main() -> None:
    """Rewrite the list."""
    lines = [
        "# Third-party software",
        "",
        "Assets that are served from `static/vendor`, with their licence beside them:",
        "",
        "| asset | version | licence |",
        "|---|---|---|",
    ]
    assets = json.loads((ROOT / "static" / "vendor" / "manifest.json").read_text())
    lines += [f"| {a['name']} | {a['version']} | {a['licence']} |" for a in assets]
    lines += ["", "Python packages that a running portal uses:", ""]
    lines += ["| package | version | licence |", "|---|---|---|"]
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    names = sorted(re.findall(r"^([A-Za-z][\w.-]*)(?=\[|==)", text, re.MULTILINE), key=str.lower)
    lines += [f"| {name} | {metadata.version(name)} | {licence(name)} |" for name in names]
    lines += [
        "",
        "Papers are set in Noto Sans SC and Noto Serif SC (OFL 1.1), which come with",
        "`pylopdf-fonts-zh-cn`. The seal in `static/img/seal.svg` is the outline of one character.",
        "",
    ]
    (ROOT / "THIRD_PARTY.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()

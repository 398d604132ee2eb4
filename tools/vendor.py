"""Keep vendored assets honest: every file under static/vendor is in the manifest, with its hash.

`--check` (offline, in every test run) fails on a changed or unlisted file.
`--update NAME VERSION` fetches a package from npm and rewrites the manifest.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
MANIFEST = VENDOR / "manifest.json"


def digest(path: Path) -> str:
    """SHA-384 as browsers write it."""
    return base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()


def check() -> list[str]:
    """Everything that differs from the manifest."""
    listed = {name: asset for asset in json.loads(MANIFEST.read_text()) for name in [asset["file"]]}
    problems = []
    for name, asset in listed.items():
        path = VENDOR / name
        if not path.exists() or digest(path) != asset["sha384"]:
            problems.append(f"{name} is missing or was changed")
    for path in VENDOR.rglob("*"):
        name = path.relative_to(VENDOR).as_posix()
        if path.is_file() and path != MANIFEST and name not in listed and path.name != "LICENSE":
            problems.append(f"{name} is not in the manifest")
    return problems


def update(name: str, version: str) -> None:
    """Take a new version of a listed package."""
    assets = json.loads(MANIFEST.read_text())
    asset = next(a for a in assets if a["name"] == name)
    before = VENDOR / asset["file"].partition("/")[0]
    with tempfile.TemporaryDirectory() as folder:
        package = f"{asset['package']}@{version}"
        subprocess.run(["npm", "pack", package, "--silent"], cwd=folder, check=True)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as packed:
            target = VENDOR / f"{name}-{version}"
            target.mkdir(exist_ok=True)
            for source in (asset["path"], "LICENSE"):
                member = packed.extractfile(f"package/{source}")
                if member is None:
                    raise SystemExit(f"{package} has no {source}")
                (target / Path(source).name).write_bytes(member.read())
    file = f"{name}-{version}/{Path(asset['path']).name}"
    asset |= {"version": version, "file": file}
    asset |= {"bytes": (VENDOR / file).stat().st_size, "sha384": digest(VENDOR / file)}
    MANIFEST.write_text(json.dumps(assets, indent=2) + "\n")
    if before != target:
        shutil.rmtree(before)


def main() -> int:
    """Check, or update one package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--update", nargs=2, metavar=("NAME", "VERSION"))
    chosen = parser.parse_args()
    if chosen.update:
        update(*chosen.update)
    problems = check()
    print("\n".join(problems) or "vendored files are what the manifest says")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# Make the virtual environment and install what is pinned, only when the pins changed.
# Use: tools/setup.sh run | test | soak
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-run}
soak=
[ "$kind" = soak ] && kind=test soak=yes
python=${PYTHON:-python3}
[ -x .venv/bin/python ] || "$python" -m venv .venv
wanted=requirements.txt
[ "$kind" = test ] && wanted=requirements-dev.txt
stamp=.venv/.installed-$kind
now=$(cat requirements.txt requirements-dev.txt constraints.txt | sha256sum | cut -d' ' -f1)
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$now" ]; then
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r "$wanted" 2>.venv/pip.log || { tail -5 .venv/pip.log >&2; exit 1; }
  printf '%s' "$now" >"$stamp"
fi
[ "$kind" = test ] || exit 0

# What the tests need from the system: a browser, Chinese fonts, a reader of PDFs, a C compiler.
missing=()
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v chromium >/dev/null || missing+=(chromium)
command -v pdftoppm >/dev/null || missing+=(poppler-utils)
command -v zbarimg >/dev/null || missing+=(zbar-tools)
fc-list 2>/dev/null | grep -qi 'noto.*cjk' || missing+=(fonts-noto-cjk)
# The soak watches in which order the server writes.
[ -n "$soak" ] && ! command -v strace >/dev/null && missing+=(strace)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
else
  echo "The tests need these system packages: ${missing[*]}. Please install them and run again." >&2
  exit 1
fi

"""The floor beside which the portal is measured: Flask with nothing in it."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello() -> str:
    """Say hello."""
    return "hello"


@app.get("/health")
def health() -> str:
    """Be up."""
    return "ok"

"""Cells of exported tables; the rule is shared with every room that writes workbooks."""

from app.core.cells import DANGEROUS, plain

__all__ = ["DANGEROUS", "plain"]

"""What the portal refuses, and why. Pure: pages and commands turn these into words."""

from __future__ import annotations


class Refusal(Exception):
    """Something a person asked for and does not get. Nothing of it was saved."""


class NotAllowed(Refusal):
    """The policy table grants this actor no such permission here."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


class NotFound(Refusal):
    """No such thing in this tenant. Another tenant's things are not found either."""

    def __init__(self, thing: str) -> None:
        super().__init__(thing)
        self.thing = thing


class RuleBroken(Refusal):
    """A rule says no. `code` names the rule, `facts` fill the sentence that explains it."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class NotSaved(Refusal):
    """The database failed before the commit was asked for: certainly nothing was saved."""


class ReadOnly(NotSaved):
    """The disk is nearly full, so nothing is written until there is room again."""


class SaveUnknown(Exception):
    """The commit failed in a way that leaves open whether it reached the disk."""

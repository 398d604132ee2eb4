"""A high ceiling on how often one address may try something, counted in memory."""

from __future__ import annotations

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

_all: list[Ceiling] = []


class Ceiling:
    """At most `tries` in each window of so many seconds for each key."""

    def __init__(self, tries: int, seconds: int) -> None:
        self.item = RateLimitItemPerSecond(tries, seconds)
        self.limiter = FixedWindowRateLimiter(MemoryStorage())
        _all.append(self)

    def admits(self, key: str) -> bool:
        """Count a try; whether it is still below the ceiling."""
        return self.limiter.hit(self.item, key)

    def forget(self) -> None:
        """Begin anew, as after a restart."""
        self.limiter.storage.reset()


def forget_all() -> None:
    """Let every ceiling begin anew, as after a restart."""
    for ceiling in _all:
        ceiling.forget()

"""A server that starts quickly: everything is imported once, and each start is a fork of that.

Run by `servers.Servers`. Each line read is the arguments of one start, as JSON; the answer is the
process that leads the new server's group. What the server does from there on is what it always
does: the same command, the same worker, the same application made anew.
"""

from __future__ import annotations

import json
import os
import signal
import sys

# What every start would import again.
import granian  # noqa: F401
import psycopg  # noqa: F401

import app  # noqa: F401
from app import serve


def main() -> None:
    # Whoever was killed is nobody's child to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.setsid()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os._exit(serve.main(json.loads(line)))
        print(child, flush=True)


if __name__ == "__main__":
    main()

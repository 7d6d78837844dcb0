"""Runs one PostgreSQL server and ends it when standard input does, so that none outlives the tests that started it.

``python postgres_keeper.py FOLDER UID POSTGRES [ARGUMENT ...]``; a negative UID keeps the user. The folder is deleted.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys


def main() -> None:
    """Starts the server, waits for the end of standard input, stops the server and deletes its folder."""
    folder, uid, *command = sys.argv[1:]
    user = int(uid) if int(uid) >= 0 else None
    with open(f"{folder}/log", "ab") as log:
        server = subprocess.Popen(
            command, user=user, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        sys.stdin.read()
    finally:
        # Immediate shutdown: nothing of it is needed any more.
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

"""Runs one command so that it cannot outlive whoever wanted it.

``python guard.py [--user U] [--signal S] [--finally JSON] [--remove DIR] -- COMMAND...`` starts the command,
prints its process id and ends with the command's exit code. The parent holds the other end of this process's
standard input: when that pipe closes (also because the parent was killed) the command and everything below it
are ended, the final command is run and the directory is removed. Standard library only.
"""

import argparse
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading

PATIENCE = 10.0  # seconds between asking a command to end and making it
_IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


def descendants(root: int) -> list[int]:
    """``root`` and every process below it, parents first."""
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout.split()
    children: dict[int, list[int]] = {}
    for child, parent in zip(listing[::2], listing[1::2], strict=True):
        children.setdefault(int(parent), []).append(int(child))
    found = [root]
    for pid in found:  # grows while it is walked
        found.extend(children.get(pid, []))
    return found


def signal_tree(root: int, number: signal.Signals) -> None:
    """Send ``number`` to ``root`` and everything below it; what has gone meanwhile is no error."""
    for pid in descendants(root):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("--signal", default="SIGTERM", help="what asks the command to end")
    parser.add_argument("--finally", dest="final", help="a command as a JSON array")
    parser.add_argument("--remove")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()

    # A Ctrl-C or a closing terminal concerns the parent, which then lets go of the pipe.
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    command = subprocess.Popen(
        options.command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
        user=options.user,
        extra_groups=[] if options.user else None,
        preexec_fn=_heed_signals,
    )
    print(command.pid, flush=True)

    ended, at_end = os.pipe()

    def report_end() -> None:
        command.wait()
        os.close(at_end)

    threading.Thread(target=report_end).start()
    readable, _, _ = select.select([sys.stdin, ended], [], [])
    if ended not in readable:
        command.send_signal(signal.Signals[options.signal])
        if not select.select([ended], [], [], PATIENCE)[0]:
            signal_tree(command.pid, signal.SIGKILL)
        if options.final:
            subprocess.run(json.loads(options.final), check=False, timeout=60)
        if options.remove:
            shutil.rmtree(options.remove, ignore_errors=True)
    code = command.wait()
    return code if code >= 0 else 128 - code


def _heed_signals() -> None:
    """In the new process: what the guard ignores would otherwise be ignored by the command too."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    sys.exit(main())

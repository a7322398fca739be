"""Services for a shell or one command.

python -m tests.services                         all three; prints `export` lines, ends with Ctrl-C
python -m tests.services kafka rabbitmq          only these
python -m tests.services kafka -- COMMAND...     runs COMMAND with their addresses in its environment
"""

import os
import signal
import subprocess
import sys

from tests.services.catalogue import NAMES, VARIABLES
from tests.services.host import Host
from tests.services.service import Unavailable


def main(arguments: list[str]) -> int:
    split = arguments.index("--") if "--" in arguments else len(arguments)
    asked, command = arguments[:split], arguments[split + 1 :]
    names = [name for name in NAMES if not asked or name in asked]
    if unknown := set(asked) - set(NAMES):
        print(f"no such service: {', '.join(sorted(unknown))}\n{__doc__}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs ignore the first
        signal.signal(number, signal.default_int_handler)
    host = Host()
    try:
        host.begin(names)
        addresses = {VARIABLES[name]: host.address(name) for name in names}
        if command:
            return subprocess.run(command, env={**os.environ, **addresses}, check=False).returncode
        for variable, address in addresses.items():
            print(f"export {variable}={address}", flush=True)
        signal.pause()
    except Unavailable as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        host.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

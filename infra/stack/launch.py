"""Starts one service in the place of this process. The supervisor calls it for every start, so also after a crash.

What the last run of the service left behind (the children of a killed leader keep its port) is ended first. Only the
standard library: it runs before each start and must cost nothing.
"""

import json
import os
import signal
import sys
import time


def members(group: int, home: str) -> list[int]:
    """Processes of that group that stand in the service's own folder: a number used again by a stranger is not ours."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                cwd = os.readlink(f"/proc/{name}/cwd")
                if os.getpgid(int(name)) == group and (cwd == home or cwd.startswith(home + "/")):
                    found.append(int(name))
            except OSError:
                continue
    return found


def end_last_run(pid_file: str, home: str) -> None:
    try:
        with open(pid_file) as file:
            group = int(file.read())
    except (OSError, ValueError):
        return
    for _ in range(50):
        left = members(group, home)
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.1)


def main() -> None:
    with open(sys.argv[1]) as file:
        program = json.load(file)
    home = os.path.realpath(program["directory"])
    os.chdir(home)
    pid_file = program["pid_file"]
    end_last_run(pid_file, home)
    with open(pid_file, "w") as file:
        file.write(str(os.getpid()))
    os.execvpe(program["argv"][0], program["argv"], program["env"])


if __name__ == "__main__":
    main()

"""Replaces this process with one service. The supervisor calls it for every start, including restarts after a crash.

It first ends what the last run of the service left behind: the children of a killed leader keep its port. It uses only the
standard library, because it runs before each start and must cost nothing.
"""

import json
import os
import signal
import sys
import time


def find_members(group: int, home: str) -> list[int]:
    """Processes of the group whose working directory is the service's own: another program may have got the same group number."""
    members = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                cwd = os.readlink(f"/proc/{name}/cwd")
                if os.getpgid(int(name)) == group and (cwd == home or cwd.startswith(home + "/")):
                    members.append(int(name))
            except OSError:
                continue
    return members


def end_last_run(pid_file: str, home: str) -> None:
    try:
        with open(pid_file) as file:
            group = int(file.read())
    except (OSError, ValueError):
        return
    for _ in range(50):
        left = find_members(group, home)
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

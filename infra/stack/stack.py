"""One stack on this machine: its settings, folders and tools. What a service is stands in service.py."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from cdp.settings import REPOSITORY, Settings, load

JARS = REPOSITORY / ".jars"
INFRA = REPOSITORY / "infra"
#: Every process of a stack carries it in its environment, so that leftovers are found whoever started them.
MARKER = "STACK_STATE"  # no setting, so without their prefix
JVMS = Path("/usr/lib/jvm")
#: Hadoop 3.4 and Spark 4.1 both run on these; newer ones have taken away what Hadoop's login needs.
JAVA_VERSIONS = (17, 21)
NO_JAVA = "A JDK 17 (to 21) is missing. Install it: apt-get install openjdk-17-jdk-headless; or set JAVA_HOME to one."


class StackError(Exception):
    """Something stands in the way. The message is one line that says what, and what to do."""


@dataclass(frozen=True, slots=True)
class Stack:
    settings: Settings

    @property
    def state(self) -> Path:
        return self.settings.state_dir

    @property
    def run_dir(self) -> Path:
        return self.state / "run"

    @property
    def log_dir(self) -> Path:
        return self.state / "log"

    @property
    def secrets_dir(self) -> Path:
        return self.state / "secrets"

    def data(self, name: str) -> Path:
        """Where a service keeps its data."""
        return self.state / name

    def stamp(self, name: str) -> Path:
        """A file that says that a step was done."""
        return self.run_dir / f"{name}.done"

    @property
    def base_env(self) -> dict[str, str]:
        """What every process of the stack gets: little, and the same whoever typed ./run."""
        env = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": os.environ.get("HOME", str(self.state)),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONUNBUFFERED": "1",
            "CDP_STACK": self.settings.stack,
            "CDP_VAR_DIR": str(self.settings.var_dir),
            MARKER: str(self.state),
        }
        env |= {name: value for name, value in os.environ.items() if name.startswith("CDP_")}
        if java := java_home():
            env["JAVA_HOME"] = java
        return env


def open_stack() -> Stack:
    """The stack that the environment names."""
    return Stack(load())


def _major(home: Path) -> int:
    """The version that a JDK's release file names, or 0."""
    try:
        found = re.search(r'^JAVA_VERSION="(\d+)', (home / "release").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0


def java_home() -> str | None:
    """The JDK that will be used: JAVA_HOME, the one on the PATH, or an installed one, whichever first has a fitting version."""
    named = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    on_path = [Path(found).resolve().parent.parent for found in [shutil.which("javac")] if found]
    installed = sorted(path for path in JVMS.glob("*") if not path.is_symlink())
    for home in [*named, *on_path, *installed]:
        if (home / "bin" / "javac").exists() and JAVA_VERSIONS[0] <= _major(home) <= JAVA_VERSIONS[1]:
            return str(home)
    return None


def java() -> str:
    home = java_home()
    if home is None:
        raise StackError(NO_JAVA)
    return str(Path(home, "bin", "java"))


def venv_bin(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def write_private(path: Path, text: str) -> None:
    """A file that only its owner reads, complete or not there at all."""
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    beside.rename(path)


def write_json(path: Path, value: object) -> None:
    write_private(path, json.dumps(value, indent=1) + "\n")

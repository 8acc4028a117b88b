"""One stack on this machine: its settings, folders and tools. Services are described in service.py."""

from __future__ import annotations

import importlib.util
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
#: Set in the environment of every process of a stack, so leftovers can be found. It is not a setting, so it has no CDP_ prefix.
MARKER = "STACK_STATE"
JVMS = Path("/usr/lib/jvm")
#: Oldest and newest Java that both Hadoop 3.4 and Spark 4.1 run on. Later ones removed what Hadoop's login needs.
JAVA_VERSIONS = (17, 21)
NO_JAVA = "A JDK 17 (to 21) is missing. Install it: apt-get install openjdk-17-jdk-headless; or point JAVA_HOME to one."


class StackError(Exception):
    """An error for the operator. Each line of the message says what is wrong and what to do."""


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

    def data_dir(self, name: str) -> Path:
        """The folder of a service's data."""
        return self.state / name

    def stamp_file(self, name: str) -> Path:
        """A file that exists once a step was done."""
        return self.run_dir / f"{name}.done"

    @property
    def base_env(self) -> dict[str, str]:
        """The environment of every process of the stack: small, and the same for every user of ./run."""
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
        if home := find_java_home():
            env["JAVA_HOME"] = home
        return env


def open_stack() -> Stack:
    """The stack that the environment names."""
    return Stack(load())


def _read_java_version(home: Path) -> int:
    """The major version in a JDK's release file, or 0."""
    try:
        match = re.search(r'^JAVA_VERSION="(\d+)', (home / "release").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(match[1]) if match else 0


def find_java_home() -> str | None:
    """The first JDK of a fitting version: JAVA_HOME, then the one on the PATH, then the installed ones."""
    named = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    on_path = [Path(javac).resolve().parent.parent for javac in [shutil.which("javac")] if javac]
    installed = sorted(path for path in JVMS.glob("*") if not path.is_symlink())
    for home in [*named, *on_path, *installed]:
        if (home / "bin" / "javac").exists() and JAVA_VERSIONS[0] <= _read_java_version(home) <= JAVA_VERSIONS[1]:
            return str(home)
    return None


def find_java() -> str:
    home = find_java_home()
    if home is None:
        raise StackError(NO_JAVA)
    return str(Path(home, "bin", "java"))


def venv_bin(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def find_package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise StackError(f"The Python package {name} is missing from the environment; remove .venv and type the command again.")
    return Path(spec.origin).parent


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read. It appears complete or not at all."""
    new = path.with_name(path.name + ".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    new.rename(path)


def write_json(path: Path, value: object) -> None:
    write_private(path, json.dumps(value, indent=1) + "\n")

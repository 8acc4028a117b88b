"""What the machine must have beside Python, and how it gets it: a JDK and Maven by apt, the servers' jars by Maven."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cdp.settings import REPOSITORY
from infra.stack.stack import INFRA, JARS, NO_JAVA, Stack, StackError, java_home

DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
SUMS = INFRA / "jars" / "jars.sha256"
STAND_IN = INFRA / "mongo" / "StandIn.java"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def ensure_system(stack: Stack) -> None:
    """A JDK and Maven are there when this returns."""
    if java_home() is None:
        apt_install(stack, "openjdk-17-jdk-headless", otherwise=NO_JAVA)
    if not jars_current() and shutil.which("mvn") is None:
        apt_install(stack, "maven", otherwise="Maven is missing. Install it: apt-get install maven")


def apt_install(stack: Stack, package: str, otherwise: str) -> None:
    """Install a Debian package where that is allowed; `otherwise` is what a person is told."""
    if not (stack.settings.apt and os.geteuid() == 0 and shutil.which("apt-get")):
        raise StackError(otherwise)
    say(f"run: installing {package} (apt)")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "install", "-y", "--no-install-recommends", package]):
        done = subprocess.run(argv, env=env, capture_output=True, text=True)
    if done.returncode:
        raise StackError(f"{otherwise} (apt said: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'nothing'})")


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    """Two stacks started at once on a fresh clone share the jars: the second waits for the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _source() -> str:
    """What the jars are made from: they are made again when any of it changes."""
    files = [*sorted((INFRA / "jars").rglob("pom.xml")), SUMS, STAND_IN]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def jars_current() -> bool:
    stamp = JARS / "made-from"
    return stamp.is_file() and stamp.read_text() == _source()


def ensure_jars() -> None:
    """All servers' jars are in .jars/, and they are the ones that jars.sha256 names."""
    with _exclusive(REPOSITORY / ".jars.making"):
        if jars_current():
            return
        say("run: getting the servers' jars into .jars (once)")
        shutil.rmtree(JARS, ignore_errors=True)
        copy_jars()
        check_sums()
        compile_stand_in()
        (JARS / "made-from").write_text(_source())


def copy_jars() -> None:
    argv = [
        "mvn", "-q", "-B", "-f", str(INFRA / "jars" / "pom.xml"), DEPENDENCY_PLUGIN,
        f"-DoutputDirectory={JARS}/${{project.artifactId}}", "-DincludeScope=runtime",
    ]  # fmt: skip
    done = subprocess.run(argv, env=os.environ | {"JAVA_HOME": java_home() or ""}, capture_output=True, text=True)
    if done.returncode:
        errors = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise StackError(f"Maven could not get the jars (is the network there?): {errors[0] if errors else done.stderr[-200:]}")


def sums() -> dict[str, str]:
    """The jars as they lie in .jars/, with their digests."""
    return {
        str(jar.relative_to(JARS)): hashlib.sha256(jar.read_bytes()).hexdigest()
        for jar in sorted(JARS.rglob("*.jar"))
    }  # fmt: skip


def check_sums() -> None:
    expected = {name: digest for digest, name in (line.split("  ", 1) for line in SUMS.read_text().splitlines())}
    found = sums()
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise StackError(
            f"{len(wrong)} jars are not those of infra/jars/jars.sha256 (first: {wrong[0]}); nothing is started with them."
        )


def write_sums() -> None:
    """For a change of versions: python -m infra.stack.tools"""
    shutil.rmtree(JARS, ignore_errors=True)
    copy_jars()
    SUMS.write_text("".join(f"{digest}  {name}\n" for name, digest in sums().items()))


def compile_stand_in() -> None:
    out = JARS / "mongo-classes"
    argv = [f"{java_home()}/bin/javac", "-d", str(out), "-cp", f"{JARS}/mongo/*", str(STAND_IN)]
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        raise StackError(f"{STAND_IN.name} does not compile: {done.stderr.splitlines()[0]}")


if __name__ == "__main__":
    write_sums()

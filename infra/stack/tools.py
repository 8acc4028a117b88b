"""What the machine must have besides Python: installs a JDK and Maven by apt, and downloads the servers' jars by Maven."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys

from cdp.settings import REPOSITORY
from infra.stack.stack import INFRA, JARS, NO_JAVA, Stack, StackError, find_java_home

DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
SUMS = INFRA / "jars" / "jars.sha256"
STAND_IN = INFRA / "mongo" / "StandIn.java"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def ensure_system(stack: Stack) -> None:
    """Install a JDK, and Maven if jars are needed, where they are missing."""
    if find_java_home() is None:
        apt_install(stack, "openjdk-17-jdk-headless", otherwise=NO_JAVA)
    if not jars_are_current() and shutil.which("mvn") is None:
        apt_install(stack, "maven", otherwise="Maven is missing. Install it: apt-get install maven")


def apt_install(stack: Stack, package: str, otherwise: str) -> None:
    """Install a Debian package if that is allowed; else raise with the message `otherwise`."""
    if not (stack.settings.apt and os.geteuid() == 0 and shutil.which("apt-get")):
        raise StackError(otherwise)
    say(f"run: installing {package} (apt)")
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "install", "-y", "--no-install-recommends", package]):
        result = subprocess.run(argv, env=env, capture_output=True, text=True)
    if result.returncode:
        reason = result.stderr.strip().splitlines()[-1] if result.stderr.strip() else "it printed no reason"
        raise StackError(f"{otherwise} (apt failed: {reason})")


def _hash_sources() -> str:
    """A digest of the files that define the jars; the jars are downloaded again when it changes."""
    files = [*sorted((INFRA / "jars").rglob("pom.xml")), SUMS, STAND_IN]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def jars_are_current() -> bool:
    stamp = JARS / "made-from"
    return stamp.is_file() and stamp.read_text() == _hash_sources()


def ensure_jars() -> None:
    """Download all servers' jars into .jars/ unless they are there, and check them against jars.sha256."""
    # If two stacks start on a fresh clone at the same time, the second waits until the first has the jars, which they share.
    # The lock is the standard library's, because this also runs in a stage of the Docker image that has no packages.
    with (REPOSITORY / ".jars.making").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if jars_are_current():
            return
        say("run: downloading the servers' jars into .jars (needed once)")
        shutil.rmtree(JARS, ignore_errors=True)
        copy_jars()
        check_sums()
        compile_stand_in()
        (JARS / "made-from").write_text(_hash_sources())


def copy_jars() -> None:
    argv = [
        "mvn", "-q", "-B", "-f", str(INFRA / "jars" / "pom.xml"), DEPENDENCY_PLUGIN,
        f"-DoutputDirectory={JARS}/${{project.artifactId}}", "-DincludeScope=runtime",
    ]  # fmt: skip
    result = subprocess.run(argv, env=os.environ | {"JAVA_HOME": find_java_home() or ""}, capture_output=True, text=True)
    if result.returncode:
        errors = [line for line in (result.stdout + result.stderr).splitlines() if "ERROR" in line]
        reason = errors[0] if errors else result.stderr[-200:]
        raise StackError(f"Maven could not get the jars. Check the network, then type the command again. Maven says: {reason}")


def compute_sums() -> dict[str, str]:
    """The digests of the jars in .jars/, by path."""
    return {
        str(jar.relative_to(JARS)): hashlib.sha256(jar.read_bytes()).hexdigest()
        for jar in sorted(JARS.rglob("*.jar"))
    }  # fmt: skip


def check_sums() -> None:
    expected = {name: digest for digest, name in (line.split("  ", 1) for line in SUMS.read_text().splitlines())}
    actual = compute_sums()
    wrong = sorted(name for name in expected.keys() | actual.keys() if expected.get(name) != actual.get(name))
    if wrong:
        raise StackError(
            f"{len(wrong)} jars are not those of infra/jars/jars.sha256 (the first: {wrong[0]}), so nothing was started. "
            "Remove .jars and type the command again."
        )


def write_sums() -> None:
    """Write jars.sha256 after a change of versions: python -m infra.stack.tools"""
    shutil.rmtree(JARS, ignore_errors=True)
    copy_jars()
    SUMS.write_text("".join(f"{digest}  {name}\n" for name, digest in compute_sums().items()))


def compile_stand_in() -> None:
    out = JARS / "mongo-classes"
    argv = [f"{find_java_home()}/bin/javac", "-d", str(out), "-cp", f"{JARS}/mongo/*", str(STAND_IN)]
    result = subprocess.run(argv, capture_output=True, text=True)
    if result.returncode:
        raise StackError(f"{STAND_IN.name} does not compile: {result.stderr.splitlines()[0]}")


if __name__ == "__main__":
    write_sums()

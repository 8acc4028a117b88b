"""The verbs whose inside is a program of another folder: which, and which servers it needs before it can begin."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cdp.programs import ONLY_WORDS
from cdp.settings import REPOSITORY, Settings
from infra.stack.service import Service, Unhealthy
from infra.stack.services import BY_NAME, spark
from infra.stack.stack import Stack, StackError
from infra.stack.supervise import STOPPED, ProcessState, Supervisor


@dataclass(frozen=True, slots=True)
class Program:
    """A Python program, and the services it talks to."""

    argv: tuple[str, ...]
    needs: tuple[str, ...]
    prog: str  # as it calls itself in its help
    subcommand: str = ""  # a word that must come first, and is all the program does today
    asks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # an option that only asks -> what it needs instead


LOAD = Program(("-m", "source_server.load"), ("source", "kafka"), "./run load", asks={"--dry-run": ()})
SOURCE_LEDGER = Program(("-m", "source_server.ledger"), ("source", "kafka"), "./run ledger")
STREAM_LEDGER = Program(("-m", "streaming.ledger"), ("kafka", "postgres", "namenode"), "./run ledger")
STREAM = Program(("-m", "streaming"), ("kafka", "namenode", "spark-master", "postgres"), "./run stream")
REPLAY = Program(("-m", "streaming.replay"), ("namenode", "spark-master"), "./run replay")
NIGHT = Program(
    ("-m", "batch"),
    ("namenode", "spark-master", "postgres", "mongo"),
    "./run night",
    asks={"--explain": ("postgres",)},
)
SEGMENTS = Program(
    (str(REPOSITORY / "manage.py"), "segments_refresh"), ("postgres", "namenode"), "./run segments refresh", "refresh"
)


def environment(stack: Stack, program: Program) -> dict[str, str]:
    """The stack's environment, that of a terminal, and what Spark's driver asks of it."""
    terminal = {name: os.environ[name] for name in ("TERM", "COLUMNS", "NO_COLOR") if name in os.environ}
    return stack.base_env | terminal | spark.environment(stack) | {"PROGRAM_NAME": program.prog}


def run(stack: Stack, program: Program, arguments: list[str]) -> int:
    """Run it in the foreground; its exit status is ours."""
    if program.subcommand:
        if arguments[:1] not in ([program.subcommand], ["--help"]):
            raise StackError(f"There is one thing to do with them: {program.prog}")
        arguments = [argument for argument in arguments if argument != program.subcommand]
    argv, env = [sys.executable, *program.argv, *arguments], environment(stack, program)
    if not {"-h", "--help"} & set(arguments):
        try:
            require(stack, needs(program, arguments))
        except StackError:
            # Who has mistyped a day should not start a server first to be told.
            if wrong := subprocess.call(argv, env=env | {ONLY_WORDS: "1"}, cwd=REPOSITORY):
                return wrong
            raise
    with subprocess.Popen(argv, env=env, cwd=REPOSITORY) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # the terminal has told the program too; it ends in its own way


def needs(program: Program, arguments: Sequence[str]) -> tuple[str, ...]:
    """Why a night failed can be asked also where what it needed is still away, and what is in a file without any server."""
    return next((program.asks[word] for word in arguments if word in program.asks), program.needs)


def require(stack: Stack, names: tuple[str, ...]) -> None:
    """Each of the servers is healthy, or the first that is not is named with the remedy."""
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        for wrong in pool.map(lambda name: _wrong(stack, BY_NAME[name]), names):
            if wrong:
                raise StackError(wrong)


def remedy(name: str, process: ProcessState) -> str:
    """One that runs and does not answer can't be started; the supervisor brings it back when it is killed."""
    if process.pid and not process.is_young:
        return f"It runs and does not answer: ./run logs {name}; if it hangs, kill -9 {process.pid} brings it back"
    return f"Start it: ./run up {name}"


def _wrong(stack: Stack, service: Service) -> str:
    error = _finding(service.health, stack)
    if error is None:
        return ""
    if service.ready and _finding(service.readiness, stack) is None:
        # It answers, so it is not the one to be started: a NameNode waits for its DataNodes.
        missing = (wrong for name in service.brings if (wrong := _wrong(stack, BY_NAME[name])))
        return next(missing, f"{service.title} is not ready: {error.wrong}. See: {error.remedy}")
    process = Supervisor(stack).states().get(service.name, STOPPED)
    return f"{service.title} is not there: {error.wrong}. {remedy(service.name, process)}"


def _finding(probe: Callable[[Settings], str], stack: Stack) -> Unhealthy | None:
    try:
        probe(stack.settings)
    except Unhealthy as error:
        return error
    return None

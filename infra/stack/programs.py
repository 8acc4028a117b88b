"""The verbs that run a program of another folder: the program, and the servers that it needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from cdp.programs import CHECK_ARGUMENTS_ONLY
from cdp.settings import REPOSITORY, Settings
from infra.stack.service import Service, Unhealthy
from infra.stack.services import BY_NAME, spark
from infra.stack.stack import Stack, StackError
from infra.stack.supervise import STOPPED, ProcessState, Supervisor


@dataclass(frozen=True, slots=True)
class Program:
    """A Python program, and the services that it talks to."""

    argv: tuple[str, ...]
    needs: tuple[str, ...]
    prog: str  # the name that its help shows
    subcommand: str = ""  # must come first; the only one that the program has today
    #: Options with which the program needs other services.
    needs_by_option: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


LOAD = Program(("-m", "source_server.load"), ("source", "kafka"), "./run load", needs_by_option={"--dry-run": ()})
SOURCE_LEDGER = Program(("-m", "source_server.ledger"), ("source", "kafka"), "./run ledger")
DIFF = Program(("-m", "source_server.diff"), ("kafka",), "./run diff")
SHOP = Program(("-m", "source_server.shop"), ("shop-db",), "./run shop", needs_by_option={"--views": ("shop-db", "kafka")})
STREAM_LEDGER = Program(("-m", "streaming.ledger"), ("kafka", "postgres", "namenode"), "./run ledger")
STREAM = Program(("-m", "streaming"), ("kafka", "namenode", "spark-master", "postgres"), "./run stream")
LIVE = Program(("-m", "streaming.live"), ("postgres",), "./run live")
REPLAY = Program(("-m", "streaming.replay"), ("namenode", "spark-master"), "./run replay")
NIGHT = Program(
    ("-m", "batch"),
    ("namenode", "spark-master", "postgres", "mongo"),
    "./run night",
    needs_by_option={"--explain": ("postgres",)},
)
SEGMENTS = Program(
    (str(REPOSITORY / "manage.py"), "segments_refresh"), ("postgres", "namenode"), "./run segments refresh", "refresh"
)

SEGMENT_JOB = Program(("-m", "batch.segments"), ("namenode", "spark-master", "postgres"), "./run segment-job")
RECOMMEND = Program(
    ("-m", "batch.recommend"),
    ("namenode", "spark-master", "postgres"),
    "./run recommend",
    needs_by_option={
        "evaluate": ("namenode", "postgres"),
        "register": ("postgres", "mlflow"),
        "publish": ("namenode", "postgres", "redis"),
        "results": ("namenode", "postgres"),
    },
)
SCREENSHOTS = Program(("-m", "benchmarks.screenshots"), ("web",), "./run screenshots")


def build_environment(stack: Stack, program: Program) -> dict[str, str]:
    """The stack's environment, the terminal's variables, and those that Spark's driver reads."""
    terminal = {name: os.environ[name] for name in ("TERM", "COLUMNS", "NO_COLOR") if name in os.environ}
    return stack.base_env | terminal | spark.build_environment(stack) | {"PROGRAM_NAME": program.prog}


def run(stack: Stack, program: Program, arguments: list[str]) -> int:
    """Run the program in the foreground and return its exit status."""
    if program.subcommand:
        if arguments[:1] not in ([program.subcommand], ["--help"]):
            problem = f"{arguments[0]!r} is not a subcommand." if arguments else "A subcommand is missing."
            raise StackError(f"{problem} Type: {program.prog}")
        arguments = [argument for argument in arguments if argument != program.subcommand]
    argv, env = [sys.executable, *program.argv, *arguments], build_environment(stack, program)
    if not {"-h", "--help"} & set(arguments):
        try:
            require(stack, find_needs(program, arguments))
        except StackError:
            # A mistyped day is reported before the missing server, so nobody starts a server in vain.
            if status := subprocess.call(argv, env=env | {CHECK_ARGUMENTS_ONLY: "1"}, cwd=REPOSITORY):
                return status
            raise
    with subprocess.Popen(argv, env=env, cwd=REPOSITORY) as process, _pass_on_stop(process):
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # the terminal has interrupted the program too, which ends in its own way


@contextmanager
def _pass_on_stop(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A request to stop is for the program, which ends in its own way and says how it ended."""
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def find_needs(program: Program, arguments: Sequence[str]) -> tuple[str, ...]:
    """The services for these arguments: explaining a failed night needs fewer than the night, and a dry run of a load none."""
    return next((program.needs_by_option[word] for word in arguments if word in program.needs_by_option), program.needs)


def require(stack: Stack, names: tuple[str, ...]) -> None:
    """Raise with the name and remedy of the first of these services that is not healthy."""
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        for problem in pool.map(lambda name: _describe_problem(stack, BY_NAME[name]), names):
            if problem:
                raise StackError(problem)


def suggest_remedy(name: str, process: ProcessState) -> str:
    """A server that runs but does not answer can't be started; the supervisor restarts it after it is killed."""
    if process.pid and not process.is_young:
        return f"It runs and does not answer. See ./run logs {name}; if it hangs, kill -9 {process.pid} makes it restart"
    return f"Start it: ./run up {name}"


def _describe_problem(stack: Stack, service: Service) -> str:
    """What is wrong with the service, with the remedy; empty if it is healthy."""
    error = _find_problem(service.check_health, stack)
    if error is None:
        return ""
    if service.ready and _find_problem(service.check_readiness, stack) is None:
        # The service answers, so another one must be started: a NameNode waits for its DataNodes.
        problems = (problem for name in service.brings if (problem := _describe_problem(stack, BY_NAME[name])))
        return next(problems, f"{service.title} is not ready: {error.wrong}. Next: {error.remedy}")
    process = Supervisor(stack).states().get(service.name, STOPPED)
    return f"{service.title} is not available: {error.wrong}. {suggest_remedy(service.name, process)}"


def _find_problem(probe: Callable[[Settings], str], stack: Stack) -> Unhealthy | None:
    try:
        probe(stack.settings)
    except Unhealthy as error:
        return error
    return None

"""The verbs of ./run: one table, which is also its help. A verb is here when it works, not before.

Verbs of the stack are functions here; verbs of the data are programs of the folders that own them, started as a person or
Airflow would, after a look at whether the servers they need are there.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from cdp.errors import did_you_mean
from cdp.lake.paths import TABLES
from infra.stack import checks, demo, doctor, env_file, ledger, lifecycle, programs, status
from infra.stack.programs import Program
from infra.stack.services import ALL, NAMES, SERVICES, with_needs
from infra.stack.stack import Stack, StackError, open_stack


@dataclass(frozen=True, slots=True)
class Verb:
    """What may follow ./run."""

    name: str
    usage: str
    help: str
    run: Callable[[Stack, argparse.Namespace], int] | Program
    arguments: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    passes_on: bool = False  # what follows, options too, is for the program behind it


def _services(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("services", nargs="*", metavar="SERVICE", help=f"of: {', '.join(NAMES)}")


def _checked(names: list[str]) -> tuple[str, ...]:
    for name in names:
        if name not in NAMES:
            raise StackError(f"{name!r} is not a service; {did_you_mean(name, NAMES)}")
    return tuple(names)


def _up(stack: Stack, arguments: argparse.Namespace) -> int:
    names = _checked(arguments.services)
    lifecycle.up(stack, names)
    services = with_needs(names) if names else SERVICES
    if any(service.name == "web" for service in services):
        print(demo.addresses(open_stack()))
    print("next      ./run status")
    return 0


def _down(stack: Stack, arguments: argparse.Namespace) -> int:
    if names := _checked(arguments.services):
        stopped = [service.title for service in lifecycle.stop(stack, names)]
        print(f"stack {stack.settings.stack}: stopped {', '.join(stopped) or 'nothing, none of them was running'}")
        return 0
    lifecycle.down(stack)
    print(f"stack {stack.settings.stack}: nothing is running; its data is in {stack.state}")
    return 0


def _status_arguments(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("--json", action="store_true", help="for programs")


def _status(stack: Stack, arguments: argparse.Namespace) -> int:
    lines = status.statuses(stack, status.chosen(stack, _checked(arguments.services)))
    stream = status.stream(stack, lines)
    if arguments.json:
        print(json.dumps(status.as_json(lines, stream), indent=1))
    else:
        status.show(stack, lines, stream)
    return 0 if all(line.state == "healthy" for line in lines) else 1


def _files_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", nargs="?", default="", metavar="TABLE", help=f"a line a day of it; of: {', '.join(TABLES)}")
    parser.add_argument("--days", type=int, default=30, metavar="N", help="how many of its last days (30)")
    parser.add_argument("--json", action="store_true", help="for programs")


def _files(stack: Stack, arguments: argparse.Namespace) -> int:
    from infra.stack import files  # what it imports would cost every verb a third of a second

    names = files.chosen(arguments.table)
    if arguments.days < 1:
        raise StackError("--days takes a number from 1.")
    programs.require(stack, ("namenode",))
    tables = files.holdings(stack.settings, names)
    if arguments.json:
        print(json.dumps(files.as_json(tables, arguments.days if arguments.table else None), indent=1))
    elif arguments.table and tables:
        files.show_days(tables[0], arguments.days)
    else:
        files.show(stack.settings, tables, names)
    return 0


def _ledger_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recount", action="store_true", help="read the topic and count its messages; takes its time")
    parser.add_argument("--json", action="store_true", help="for programs")


def _ledger(stack: Stack, arguments: argparse.Namespace) -> int:
    return ledger.show_json(stack, arguments.recount) if arguments.json else ledger.show(stack, arguments.recount)


def _logs_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument("-n", "--lines", type=int, default=50, help="how many of the last lines (50)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as the log grows")


def _logs(stack: Stack, arguments: argparse.Namespace) -> int:
    names = [service.name for service in ALL] + ["supervisord"]
    if arguments.service not in names:
        raise StackError(f"{arguments.service!r} is not a service; {did_you_mean(arguments.service, names)}")
    log = stack.log_dir / f"{arguments.service}.log"
    if not log.exists():
        raise StackError(f"{arguments.service} has no log yet: it was never started in the stack {stack.settings.stack!r}.")
    sys.stdout.flush()
    return subprocess.call(["tail", "-n", str(arguments.lines), *(["-F"] if arguments.follow else []), str(log)])


def _doctor(stack: Stack, arguments: argparse.Namespace) -> int:
    findings = doctor.examine(stack, ALL)
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what:<12} {finding.value}")
        if finding.remedy:
            print(f"      → {finding.remedy}")
    return 0 if all(finding.ok for finding in findings) else 1


def _env(stack: Stack, arguments: argparse.Namespace) -> int:
    env_file.write_env(stack)
    return 0


def _reset_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="really remove everything this stack holds")


def _reset(stack: Stack, arguments: argparse.Namespace) -> int:
    name, state = stack.settings.stack, stack.state
    if not arguments.yes:
        raise StackError(f"This removes all data of the stack {name!r} in {state}. If that is meant: ./run reset --yes")
    if not state.exists():
        print(f"stack {name}: there is nothing to remove")
        return 0
    lifecycle.down(stack)
    shutil.rmtree(state)
    print(f"stack {name}: removed {state}")
    return 0


def _demo(stack: Stack, arguments: argparse.Namespace) -> int:
    return demo.run(stack)


def _connect_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", default="", metavar="FILE", help="a TOML file; or status, snapshot, delete")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="with snapshot: only these tables, by their names in topics")
    parser.add_argument("--json", action="store_true", help="with status: for programs")


def _connect(stack: Stack, arguments: argparse.Namespace) -> int:
    from infra.connect import operations  # its drivers would cost every verb a tenth of a second

    if arguments.tables and arguments.what != "snapshot":
        raise StackError(f"Only snapshot takes names of tables: ./run connect snapshot {' '.join(arguments.tables)}")
    if arguments.what == "status":
        return operations.show_status(stack, arguments.json)
    if arguments.what == "snapshot":
        return operations.snapshot(stack, arguments.tables)
    if arguments.what == "delete":
        return operations.delete(stack)
    return operations.register(stack, arguments.what)


def _topic_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="a topic; without it, the list of all topics")
    parser.add_argument("-n", "--lines", type=int, default=10, metavar="N", help="how many of the last messages (10)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as messages arrive, until Ctrl-C")
    parser.add_argument("--raw", action="store_true", help="show changes of the shop's database whole")
    parser.add_argument("--json", action="store_true", help="for programs: a line of JSON for each topic or message")


def _topic(stack: Stack, arguments: argparse.Namespace) -> int:
    from infra.stack import topics  # Kafka's client would cost every verb a tenth of a second

    if arguments.lines < 0:
        raise StackError("-n takes a number from 0.")
    programs.require(stack, ("kafka",))
    with topics.explain_failure(stack.settings):
        if arguments.name:
            return topics.show_messages(stack.settings, arguments)
        return topics.show_topics(stack.settings, arguments.json)


def _test(stack: Stack, arguments: argparse.Namespace) -> int:
    if arguments.passed_on in (["-h"], ["--help"]):
        print(checks.USAGE)
        return 0
    return checks.test(arguments.passed_on)


def _bench(stack: Stack, arguments: argparse.Namespace) -> int:
    return checks.bench(arguments.passed_on)


VERBS: tuple[Verb, ...] = (
    Verb("demo", "demo", "start everything and load a sample history; a second run continues where the first stopped", _demo),
    Verb(
        "test",
        "test [--quick | --all | ARGS]",
        "run every check on servers of their own; --quick needs no servers; ARGS go to pytest",
        _test,
        passes_on=True,
    ),
    Verb(
        "up",
        "up [SERVICE…]",
        "start the stack, or some services with all they need; returns once they are healthy",
        _up,
        _services,
    ),
    Verb(
        "down",
        "down [SERVICE…]",
        "stop the stack, or some services and those that need them; the data stays",
        _down,
        _services,
    ),
    Verb(
        "status",
        "status [SERVICE…] [--json]",
        "show the health of each service; exit 0 only if all are healthy",
        _status,
        _status_arguments,
    ),
    Verb(
        "files",
        "files [TABLE] [--days N] [--json]",
        "show files, sizes and days of the tables on HDFS, and where small files pile up",
        _files,
        _files_arguments,
    ),
    Verb("logs", "logs SERVICE [-n N] [-f]", "show the log of a service", _logs, _logs_arguments),
    Verb("doctor", "doctor", "check what this machine has, and say how to get what is missing", _doctor),
    Verb(
        "load",
        "load FILE… [--mapping FILE] [--dry-run]",
        "load event files into the source server and from there into Kafka",
        programs.LOAD,
    ),
    Verb(
        "shop",
        "shop init | simulate | clear",
        "make the sample shop in its own database, let people visit it, or empty it; docs/shop.md",
        programs.SHOP,
    ),
    Verb(
        "connect",
        "connect [FILE | status | snapshot [TABLE…] | delete]",
        "send the changes of the sample shop, or of the database in FILE, to Kafka; status says whether they arrive",
        _connect,
        _connect_arguments,
    ),
    Verb(
        "diff",
        "diff FILE --table T [--key K] [--dry-run]",
        "send what has changed since the last export of a table, for shops whose database can't be read; docs/diff.md",
        programs.DIFF,
    ),
    Verb(
        "topic",
        "topic [NAME] [-n N] [-f] [--raw] [--json]",
        "list the topics of Kafka, or show the last messages of one; -f goes on as they arrive",
        _topic,
        _topic_arguments,
    ),
    Verb(
        "ledger",
        "ledger [--recount] [--json]",
        "account for every row, from the file to HDFS; exit 1 if a sum is off",
        _ledger,
        _ledger_arguments,
    ),
    Verb(
        "stream",
        "stream [events | shop | live] [--once [--or-wait]] [--from-earliest-retained]",
        "copy events to HDFS, the shop's changes to HDFS and Postgres, or events to the live numbers; --once takes what is there",
        programs.STREAM,
    ),
    Verb(
        "live",
        "live revenue | top [--minutes N] [--json]",
        "print the live windows beside the windows before, or what sells most now; docs/live.md",
        programs.LIVE,
    ),
    Verb(
        "replay",
        "replay [--reason R…] [REPAIR…] [--dry-run]",
        "parse quarantined messages again, unchanged or repaired",
        programs.REPLAY,
    ),
    Verb(
        "night",
        "night --day D | --from D --to D [--every week] | --explain",
        "compute, check and publish a day or a whole history; --explain says what became of the last night",
        programs.NIGHT,
    ),
    Verb("segments", "segments refresh [--day D]", "recompute all segments", programs.SEGMENTS),
    Verb(
        "segment-job",
        "segment-job --run N",
        "compute a run of a segment on the cluster; Airflow's DAG segment calls it",
        programs.SEGMENT_JOB,
    ),
    Verb(
        "recommend",
        "recommend train [--day D] | evaluate [--explain] | register | publish [--day D] | results [--day D]",
        "train what recommends products, test and promote it, record it in MLflow, publish the customers' lists, count what they"
        " led to; docs/recommendations.md",
        programs.RECOMMEND,
    ),
    Verb(
        "bench",
        "bench [NAME] [--scale S] [--json]",
        "list the measurements, or run one; exit 1 if it misses a goal",
        _bench,
        passes_on=True,
    ),
    Verb(
        "screenshots",
        "screenshots [--out FOLDER]",
        "take a picture of every page of the running site and measure it; exit 1 if a page has an error",
        programs.SCREENSHOTS,
    ),
    Verb("env", "env", "write .env for docker-compose, with new secrets", _env),
    Verb("reset", "reset --yes", "remove all data of this stack", _reset, _reset_arguments),
)


def help_text() -> str:
    width = max(len(verb.usage) for verb in VERBS) + 2
    lines = [
        "usage: ./run VERB [ARGUMENTS]",
        "",
        *(f"  {verb.usage:<{width}}{verb.help}" for verb in VERBS),
        f"  {'help [VERB]':<{width}}this list, or the arguments of a verb",
        "",
        "CDP_STACK names the stack (demo); its state is in var/<stack>/. Settings: docs/settings.md.",
        "--debug with any verb shows the traceback of an error.",
    ]
    return "\n".join(lines)


def _call(verb: Verb, arguments: list[str]) -> int:
    if isinstance(verb.run, Program):
        return programs.run(open_stack(), verb.run, arguments)
    if verb.passes_on:
        return verb.run(open_stack(), argparse.Namespace(passed_on=arguments))
    parser = argparse.ArgumentParser(prog=f"./run {verb.name}", description=verb.help)
    verb.arguments(parser)
    options = parser.parse_args(arguments)
    return verb.run(open_stack(), options)


def run(arguments: list[str]) -> int:
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    by_name = {verb.name: verb for verb in VERBS}
    if name in ("help", "-h", "--help"):
        if rest and rest[0] in by_name:
            return _call(by_name[rest[0]], ["--help"])
        print(help_text())
        return 0
    if name not in by_name:
        raise StackError(f"{name!r} is not a verb; {did_you_mean(name, [*by_name, 'help'])}")
    return _call(by_name[name], rest)

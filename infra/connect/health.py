"""Whether the connector reads the shop's database and sends to Kafka, with reasons. `judge` is pure; `read_facts` asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cdp.events.topics import CDC_HEARTBEATS, name_shop_topic
from cdp.kafka import client_config
from cdp.settings import Settings
from infra.connect.connector import read_config
from infra.connect.database import DatabaseFacts, PasswordMissing, find_password
from infra.connect.database import read_facts as read_database
from infra.connect.explain import explain, explain_error, explain_missing_password
from infra.connect.problems import AGAIN, Problem, find_problems
from infra.connect.rest import ConnectApi, ConnectError
from infra.connect.shop import Shop
from infra.stack.stack import Stack

#: The position in Kafka follows a heartbeat after one or two intervals; later than this, the connector counts as silent.
HEARTBEAT_LIMIT = 30
MEGABYTE = 2**20
SNAPSHOT = "./run connect snapshot"


@dataclass(frozen=True, slots=True)
class ConnectorFacts:
    """What Connect, the database and Kafka say about the connector."""

    status: dict[str, Any] | None  # None: no connector is registered
    shop: Shop | None = None
    offsets: Sequence[dict[str, Any]] = ()
    database: DatabaseFacts | None = None
    no_database: Problem | None = None  # why the database could not be asked
    missing_topics: tuple[str, ...] | None = ()  # None: Kafka does not answer


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ./run connect status; the remedy is empty if all is well."""

    what: str
    value: str
    remedy: str = ""
    brief: bool = False  # also shown in the line of ./run status

    @property
    def ok(self) -> bool:
        return not self.remedy


def find_first_problem(findings: Sequence[Finding]) -> Finding | None:
    return next((finding for finding in findings if not finding.ok), None)


def judge(facts: ConnectorFacts) -> tuple[Finding, ...]:
    """All findings; causes come before their consequences, so the first that is not ok says what to do."""
    if facts.status is None or facts.shop is None:
        return (Finding("connector", "none is registered", AGAIN),)
    parts = [_judge_connector, _judge_database, _judge_topics]
    if facts.status["connector"]["state"] not in ("PAUSED", "STOPPED"):
        parts += [_judge_slot, _judge_task, _judge_reading, _judge_heartbeat]
    return tuple(finding for part in parts for finding in part(facts, facts.shop))


def _judge_connector(facts: ConnectorFacts, shop: Shop) -> Iterator[Finding]:
    assert facts.status is not None
    connector = facts.status["connector"]
    text = f"{shop.address}, {len(shop.tables)} tables"
    if connector["state"] == "RUNNING":
        yield Finding("connector", text, brief=True)
    elif connector["state"] == "FAILED":
        problem = explain(shop, connector.get("trace", ""))
        yield Finding("connector", f"{text}: {problem.wrong}", problem.remedy)
    else:
        yield Finding("connector", f"{text}: it is {connector['state'].lower()}", AGAIN)


def _judge_database(facts: ConnectorFacts, shop: Shop) -> Iterator[Finding]:
    if facts.no_database:
        yield Finding("database", facts.no_database.wrong, facts.no_database.remedy)
    elif facts.database:
        problems = find_problems(shop, facts.database)
        yield from (Finding("database", problem.wrong, _add_snapshot(problem)) for problem in problems)
        if not problems:
            yield Finding("database", "its tables, rights and publication are in order")


def _add_snapshot(problem: Problem) -> str:
    return problem.remedy + (f" Then {SNAPSHOT}: changes in between are lost." if problem.loses_changes else "")


def _judge_topics(facts: ConnectorFacts, shop: Shop) -> Iterator[Finding]:
    if facts.missing_topics is None:
        yield Finding("topics", "Kafka does not answer", "./run status kafka")
        return
    for name in facts.missing_topics:
        remedy = f"./run up kafka creates it; then {SNAPSHOT} sends the rows again"
        yield Finding("topics", f"the topic {name} does not exist", remedy)
    if not facts.missing_topics:
        yield Finding("topics", f"{len(shop.tables)} are there")


def _judge_task(facts: ConnectorFacts, shop: Shop) -> Iterator[Finding]:
    assert facts.status is not None
    tasks = facts.status["tasks"]
    if not tasks:
        yield Finding("task", "none runs: it waits for the database or for its slot", "./run logs connect")
    for task in tasks:
        if task["state"] == "FAILED":
            problem = explain(shop, task.get("trace", ""))
            yield Finding("task", f"failed: {problem.wrong}", problem.remedy)
        elif task["state"] != "RUNNING":
            yield Finding("task", task["state"].lower(), AGAIN)
        else:
            yield Finding("task", "reads all rows first" if is_snapshotting(facts) else "reads the changes", brief=True)


def is_snapshotting(facts: ConnectorFacts) -> bool:
    return not facts.offsets or any(offset.get("snapshot_completed") is False for offset in facts.offsets)


def _judge_slot(facts: ConnectorFacts, shop: Shop) -> Iterator[Finding]:
    """What keeps every task from running."""
    slot = facts.database.slot if facts.database else None
    if slot and slot.wal_status == "lost":
        remedy = f"./run connect delete; then {AGAIN}, which reads all rows again"
        yield Finding("slot", f"Postgres gave up the slot {shop.slot}, because its log had grown too large", remedy)
    elif slot and not slot.complete:
        remedy = "end them: SELECT pid, query FROM pg_stat_activity WHERE xact_start < now() - interval '10 s'"
        yield Finding("slot", "the connector can't begin before the transactions that are open now have ended", remedy)


def _judge_reading(facts: ConnectorFacts, shop: Shop) -> Iterator[Finding]:
    slot = facts.database.slot if facts.database else None
    if facts.database and slot is None:
        remedy = "wait a minute: the connector makes it again and reads all rows; if not, ./run connect"
        yield Finding("slot", f"the replication slot {shop.slot} does not exist", remedy)
    elif slot and slot.wal_status != "lost" and slot.complete:
        if slot.active:
            yield Finding("slot", f"{_size(slot.lag)} of log to read", brief=True)
        else:
            text = f"nobody reads the slot {shop.slot}; {_size(slot.waiting_bytes)} of log wait"
            yield Finding("slot", text, "./run logs connect")


def _judge_heartbeat(facts: ConnectorFacts, shop: Shop) -> Iterator[Finding]:
    """The connector changes a row every few seconds. Its position in Kafka is that of the last change which came all the way."""
    if facts.database is None:
        return
    newest = max((offset["ts_usec"] / 1e6 for offset in facts.offsets if "ts_usec" in offset), default=None)
    age = None if newest is None else max(0.0, facts.database.now - newest)
    if age is not None and age <= HEARTBEAT_LIMIT:
        yield Finding("heartbeat", f"last change {age:.0f} s ago", brief=True)
    elif is_snapshotting(facts):
        yield Finding("heartbeat", "comes after the first reading of all rows")
    else:
        text = "none came" if age is None else f"the last came {age:.0f} s ago"
        yield Finding("heartbeat", f"{text}, so changes do not get from the database to Kafka", "./run logs connect")


def _size(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB" if size >= MEGABYTE / 10 else f"{size / 1024:,.0f} kB"


# ---------------------------------------------------------------- asking


def read_facts(settings: Settings) -> ConnectorFacts:
    """Raises ConnectError if Connect does not answer."""
    api = ConnectApi(settings.connect_url, seconds=10)
    status, config = api.read_status(), api.read_config()
    if status is None or config is None:
        return ConnectorFacts(None)
    shop = read_config(config)
    database, problem = _read_database(Stack(settings), shop)
    return ConnectorFacts(status, shop, _read_offsets(api), database, problem, find_missing_topics(settings, shop))


def _read_offsets(api: ConnectApi) -> Sequence[dict[str, Any]]:
    try:
        return api.read_offsets()
    except ConnectError:
        return ({},)  # not known, which must not look like a snapshot


def _read_database(stack: Stack, shop: Shop) -> tuple[DatabaseFacts | None, Problem | None]:
    import psycopg2

    try:
        return read_database(shop, find_password(stack, shop)), None
    except PasswordMissing:
        return None, explain_missing_password(shop)
    except psycopg2.Error as error:
        return None, explain_error(shop, error)


def find_missing_topics(settings: Settings, shop: Shop) -> tuple[str, ...] | None:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        topics = AdminClient(client_config(settings)).list_topics(timeout=5).topics
    except KafkaException:
        return None
    names = [*(name_shop_topic(table.name) for table in shop.tables), CDC_HEARTBEATS.name]
    return tuple(name for name in names if name not in topics)

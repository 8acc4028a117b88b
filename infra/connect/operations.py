"""./run connect: registers the connector, shows its state, asks for a snapshot, deletes it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import psycopg2
from psycopg2.errors import ObjectInUse
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from infra.connect import database, health
from infra.connect.connector import CONNECTOR, build_config, find_added_tables, read_config
from infra.connect.database import PasswordMissing
from infra.connect.explain import explain, explain_error, explain_missing_password
from infra.connect.health import Finding
from infra.connect.problems import Problem, find_problems
from infra.connect.rest import ConnectApi, ConnectError
from infra.connect.shop import Shop, read_shop_file, sample_shop
from infra.stack.services.kafka import ensure_topics
from infra.stack.stack import Stack, StackError

#: How long a registration waits for the connector's first sign of life. A snapshot may take longer.
WAIT_SECONDS = 60
PAUSE = 0.5


def register(stack: Stack, path: str = "") -> int:
    """Register the connector of the sample shop, or of the shop that the file describes."""
    register_shop(stack, read_shop_file(Path(path)) if path else sample_shop(stack.settings))
    return 0


def register_shop(stack: Stack, shop: Shop) -> None:
    """Safe to repeat; a connector that had failed or was stopped runs again."""
    api = open_api(stack)
    old = _read_registered_shop(api)
    _refuse_another(shop, old)
    password = _require_password(stack, shop)
    _require_database(shop, password)
    ensure_topics(stack.settings)
    try:
        _apply(api, build_config(shop))
    except ConnectError as error:
        raise StackError(str(explain(shop, str(error)))) from error
    _await_health(stack)
    if new_tables := find_added_tables(old, shop) if old else ():
        database.request_snapshot(shop, password, tuple(table.source for table in new_tables))
        print(f"the rows of {', '.join(table.source for table in new_tables)} are sent too")
    names = ", ".join(table.name for table in shop.tables)
    print(f"{shop.address}: {len(shop.tables)} tables go to the topics cdc.shop.*: {names}")
    print("next      ./run connect status")


def _apply(api: ConnectApi, config: dict[str, str]) -> None:
    """Give the connector this configuration and let it run. It is stopped before a change, so that afterwards nobody takes a
    task that still has the old one for the new task."""
    old = api.read_config()
    if old and old != config | {"name": CONNECTOR}:
        api.stop()
    try:
        api.register(config)
    finally:
        if old:
            api.resume()
    if old:  # a new connector has no status for a moment, and Connect refuses to restart it then
        api.restart_failed()


def open_api(stack: Stack) -> ConnectApi:
    api = ConnectApi(stack.settings.connect_url)
    try:
        api.read_version()
    except ConnectError as error:
        raise StackError(f"Kafka Connect does not answer: {error}. Start it: ./run up live") from error
    return api


def _read_registered_shop(api: ConnectApi) -> Shop | None:
    config = api.read_config()
    return read_config(config) if config else None


def _refuse_another(shop: Shop, old: Shop | None) -> None:
    """A position in the log of one database means nothing in another."""
    if old and (old.address, old.slot) != (shop.address, shop.slot):
        raise StackError(
            f"The connector reads {old.address} by the slot {old.slot}. "
            f"To read {shop.address} by {shop.slot} instead, first: ./run connect delete"
        )


def _require_password(stack: Stack, shop: Shop) -> str:
    try:
        password = database.find_password(stack, shop)
    except PasswordMissing:
        raise StackError(str(explain_missing_password(shop))) from None
    worker = database.read_worker_environment(stack)
    if worker and worker.get(shop.password_variable) != password:
        raise StackError(
            f"Kafka Connect was started without this {shop.password_variable}. Type: ./run down connect; ./run up connect"
        )
    return password


def _require_database(shop: Shop, password: str) -> None:
    """Raise with a line for each problem. Debezium itself would report RUNNING with most of them."""
    try:
        problems = find_problems(shop, database.read_facts(shop, password))
    except psycopg2.Error as error:
        problems = (explain_error(shop, error),)
    if problems:
        raise StackError("\n".join(map(str, problems)))


def _await_health(stack: Stack) -> None:
    """Return when the connector reads; a long first reading of all rows goes on alone."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        facts = health.read_facts(stack.settings)
        problem = health.find_first_problem(health.judge(facts))
        if problem is None and not health.is_snapshotting(facts):
            return
        if time.monotonic() > deadline:
            if problem:
                raise StackError(str(Problem(f"{problem.what}: {problem.value}", problem.remedy)))
            print("it still reads all rows for the first time; follow it with ./run connect status")
            return
        time.sleep(PAUSE)


def show_status(stack: Stack, as_json: bool) -> int:
    """Print all findings; 0 only if all is well."""
    findings = read_findings(stack)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what:<10} {finding.value}")
            if finding.remedy:
                print(f"      → {finding.remedy}")
    return 0 if all(finding.ok for finding in findings) else 1


def read_findings(stack: Stack) -> tuple[Finding, ...]:
    try:
        return health.judge(health.read_facts(stack.settings))
    except ConnectError as error:
        return (Finding("connect", f"Kafka Connect does not answer: {error}", "./run status kafka connect"),)


def snapshot(stack: Stack, names: list[str]) -> int:
    """Send all rows of these tables again, or of all tables, beside the changes."""
    shop = _require_registered_shop(open_api(stack))
    sources_by_name = {table.name: table.source for table in shop.tables}
    if unknown := [name for name in names if name not in sources_by_name]:
        raise StackError(f"{unknown[0]!r} is not a table of the connector; it has {', '.join(sources_by_name)}.")
    sources = tuple(sources_by_name[name] for name in names or sources_by_name)
    try:
        database.request_snapshot(shop, _require_password(stack, shop), sources)
    except psycopg2.Error as error:
        raise StackError(str(explain_error(shop, error))) from error
    print(f"all rows of {', '.join(sources)} are sent again")
    return 0


def delete(stack: Stack) -> int:
    """Stop and delete the connector, then drop its slot, which would otherwise keep Postgres' log for ever."""
    api = open_api(stack)
    shop = _require_registered_shop(api)
    api.stop()
    try:
        api.forget_offsets()
    except ConnectError as error:
        print(f"its position could not be deleted: {error}")
    api.delete()
    print(f"deleted the connector {CONNECTOR}; the topics cdc.shop.* and their messages stay")
    print(_drop_slot(stack, shop))
    print(f"the publication {shop.publication} stays; its owner may remove it: DROP PUBLICATION {shop.publication};")
    return 0


def _drop_slot(stack: Stack, shop: Shop) -> str:
    """What became of the slot. Postgres notices a moment later that the connector has let go of it."""
    attempts = Retrying(
        retry=retry_if_exception_type(ObjectInUse), stop=stop_after_delay(10), wait=wait_fixed(PAUSE), reraise=True
    )
    try:
        password = database.find_password(stack, shop)
        was_there = attempts(lambda: database.drop_slot(shop, password))
    except (psycopg2.Error, PasswordMissing) as error:
        problem = explain_missing_password(shop) if isinstance(error, PasswordMissing) else explain_error(shop, error)
        raise StackError(
            f"The slot {shop.slot} is still there and keeps Postgres' log: {problem.wrong}. "
            f"In the database {shop.address}: SELECT pg_drop_replication_slot('{shop.slot}');"
        ) from error
    return f"dropped the slot {shop.slot}" if was_there else f"the slot {shop.slot} did not exist"


def _require_registered_shop(api: ConnectApi) -> Shop:
    shop = _read_registered_shop(api)
    if shop is None:
        raise StackError("No connector is registered. Register it: ./run connect")
    return shop

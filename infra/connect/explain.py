"""What messages of Postgres, of Connect and of Debezium mean, and what to do. Pure: from a message to sentences."""

from __future__ import annotations

import re

from cdp.errors import first_line
from infra.connect.problems import AGAIN, Problem
from infra.connect.shop import Shop


def _explain_login(shop: Shop) -> tuple[tuple[str, Problem], ...]:
    start = (
        "./run up shop-db"
        if shop.is_sample
        else f"check {_place(shop, 'host')} and {_place(shop, 'port')}, and Postgres' listen_addresses"
    )
    return (
        (
            "password authentication failed",
            Problem(
                f"{shop.host}:{shop.port} refuses the password of the login {shop.user} in {shop.password_variable}",
                f"correct {shop.password_variable}, then ./run down connect; ./run up connect",
            ),
        ),
        (r"[Cc]onnection .*refused", Problem(f"nothing answers at {shop.host}:{shop.port}", start)),
        (
            r"could not translate host name|UnknownHost",
            Problem(f"the host {shop.host} is unknown", f"check {_place(shop, 'host')}"),
        ),
        (r"time.?out", Problem(f"{shop.host}:{shop.port} does not answer in time", start)),
        (
            r'database ".*" does not exist',
            Problem(f"the database {shop.database} does not exist", f"check {_place(shop, 'name')}"),
        ),
        (
            r"no pg_hba.conf entry",
            Problem(
                f"{shop.host}:{shop.port} lets {shop.user} not in from this machine",
                "as administrator: add a line to pg_hba.conf",
            ),
        ),
        (r"role .* does not exist", Problem(f"the login {shop.user} does not exist", f"check {_place(shop, 'user')}")),
    )


def _explain_task(shop: Shop) -> tuple[tuple[str, Problem], ...]:
    return (
        (
            r"Publication autocreation is disabled|publication .* does not exist",
            Problem(f"the publication {shop.publication} does not exist", f"the owner of the tables creates it; then {AGAIN}"),
        ),
        (
            r"permission denied to start WAL sender|permission denied to use replication slots",
            Problem(f"the login {shop.user} has no REPLICATION right", f"as administrator: ALTER ROLE {shop.user} REPLICATION;"),
        ),
        (
            r"permission denied for",
            Problem(
                f"the login {shop.user} lacks a right on a table or schema", f"see ./run connect status, grant it; then {AGAIN}"
            ),
        ),
        (
            r"no longer available on the server",
            Problem(
                f"the log that the slot {shop.slot} had kept is gone",
                f"./run connect delete; then {AGAIN}, which reads all rows again",
            ),
        ),
        (
            r"value of the max.request.size|RecordTooLarge|transactional method because we are in an error",
            Problem(
                "a row is larger than Kafka accepts (8 MB)",
                f"leave out its large column: {_place(shop, 'columns')}; then {AGAIN}",
            ),
        ),
    )


def _place(shop: Shop, key: str) -> str:
    return f"database.{key} in {shop.place}" if shop.place else f"database.{key} in the shop's file"


def explain(shop: Shop, message: str, remedy: str = "./run logs connect") -> Problem:
    """What a message of Postgres, of Connect or of a task's trace means; without an explanation, its own decisive line."""
    for pattern, problem in (*_explain_login(shop), *_explain_task(shop)):
        if re.search(pattern, message):
            return problem
    return Problem(find_decisive_line(message), remedy)


def find_decisive_line(message: str) -> str:
    """The last cause of a Java trace, or the first line that says something."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    told = [line for line in lines if not line.startswith(("Connector configuration is invalid", "You can also find", "at "))]
    line = causes[-1] if causes else next(iter(told), "no reason was printed")
    return re.sub(r"^(?:[a-z]\w*\.)+(\w+): ", r"\1: ", line)[:300]


def explain_error(shop: Shop, error: BaseException) -> Problem:
    return explain(shop, first_line(error), "./run logs connect")


def explain_missing_password(shop: Shop) -> Problem:
    name = shop.password_variable
    return Problem(
        f"the environment variable {name} with the password of {shop.user} is not set",
        f"export {name}=…, then ./run down connect; ./run up connect",
    )

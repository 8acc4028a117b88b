"""What messages of Postgres, of Connect and of Debezium mean, and what to do. Pure: from a message to sentences."""

from __future__ import annotations

import re

from cdp.errors import first_line
from infra.connect.problems import AGAIN, INIT, Problem, lacks_replication
from infra.connect.shop import Shop

RESTART = "./run down connect; ./run up connect"
#: A pattern of the message, what it means, and what to do. The first that matches counts.
MEANINGS = (
    # when somebody logs in
    (
        "password authentication failed",
        "{host}:{port} refuses the password of the login {user} in {variable}",
        "{password}",
    ),
    (r"[Cc]onnection .*refused", "nothing answers at {host}:{port}", "{start}"),
    (r"could not translate host name|UnknownHost", "the host {host} is unknown", "check database.host in {file}"),
    (r"time.?out|timed out", "{host}:{port} does not answer in time", "{start}"),
    (r'database ".*" does not exist', "the database {database} does not exist", "check database.name in {file}"),
    (r'role ".*" does not exist', "the login {user} does not exist", "check database.user in {file}"),
    (
        r"no pg_hba.conf entry",
        "{host}:{port} accepts no login {user} from this machine",
        "as administrator: allow it in pg_hba.conf, for the database {database}",
    ),
    # when it reads
    (
        r"Publication autocreation is disabled|publication \".*\" does not exist",
        "the publication {publication} does not exist",
        f"./run connect status has the SQL that creates it; then {AGAIN}",
    ),
    (
        r"permission denied to start WAL sender|permission denied to use replication slots",
        "{no_replication.wrong}",
        "{no_replication.remedy}",
    ),
    (
        r"permission denied for",
        "the login {user} lacks a right on a table or schema",
        f"./run connect status has the SQL that grants it; then {AGAIN}",
    ),
    (
        r"no longer available on the server",
        "the database's log from the last position on is gone",
        f"./run connect delete; then {AGAIN}, which reads all rows again",
    ),
    (
        r"value of the max.request.size|RecordTooLarge|transactional method because we are in an error",
        "a row is larger than Kafka accepts (8 MB)",
        f"leave its large column out by columns in {{file}}, or shorten it and type ./run connect delete; then {AGAIN}",
    ),
)  # fmt: skip


def explain(shop: Shop, message: str) -> Problem:
    """What a message of Postgres or Connect, or a task's trace, means; if that is not known, its decisive line."""
    file = shop.place or "the shop's file"
    facts = {
        "host": shop.host,
        "port": shop.port,
        "user": shop.user,
        "database": shop.database,
        "variable": shop.password_variable,
        "publication": shop.publication,
        "file": file,
        "no_replication": lacks_replication(shop),
        "start": f"check database.host and database.port in {file}, and listen_addresses of Postgres",
        "password": f"correct {shop.password_variable}, then {RESTART}",
    }
    if shop.is_sample:
        facts |= {"start": "./run up shop-db", "password": f"{INIT} sets it again"}
    for pattern, wrong, remedy in MEANINGS:
        if re.search(pattern, message):
            return Problem(wrong.format(**facts), remedy.format(**facts))
    return Problem(find_decisive_line(message), "./run logs connect")


def explain_error(shop: Shop, error: BaseException) -> Problem:
    return explain(shop, first_line(error))


def explain_missing_password(shop: Shop) -> Problem:
    name = shop.password_variable
    return Problem(
        f"the environment variable {name} with the password of the login {shop.user} is not set",
        f"export {name}=…, then {RESTART}",
    )


def find_decisive_line(message: str) -> str:
    """The last cause of a Java trace, or the first line that says something."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    reasons = [line for line in lines if not line.startswith(("Connector configuration is invalid", "You can also find", "at "))]
    line = causes[-1] if causes else next(iter(reasons), "no reason was printed")
    return re.sub(r"^(?:[a-z]\w*\.)+(\w+): ", r"\1: ", line)[:300]

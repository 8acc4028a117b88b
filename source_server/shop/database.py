"""The shop's database: its schema, roles and publication, and the rows that a simulation starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from importlib.resources import files
from typing import Any, LiteralString, cast

import psycopg
from psycopg import sql

from cdp.errors import first_line
from cdp.postgres import ShopLogin, shop_connection_arguments
from cdp.settings import Settings
from source_server.shop.tables import TABLES, ShopTable
from source_server.shop.world import Cart, Customer, Line, NewIds, Order, Product, World

PROGRAM = "cdp shop"
#: A simulation knows the stock and the carts, so only one may run at a time. The number is this program's own.
SIMULATION_LOCK = 7_461_003
Connection = psycopg.Connection[tuple[Any, ...]]


class ShopError(Exception):
    """An error for the operator: one line that says what is wrong and what to do."""


class ShopAway(ShopError):
    """The database does not answer."""


def connect_shop(settings: Settings, login: ShopLogin = "owner") -> Connection:
    """A connection whose transactions are explicit."""
    try:
        return psycopg.connect(**shop_connection_arguments(settings, login, PROGRAM), autocommit=True)
    except psycopg.Error as error:
        where = f"{settings.shop_host}:{settings.shop_port}"
        raise ShopAway(
            f"the shop's database at {where} can't be reached: {first_line(error)}; see ./run status shop-db"
        ) from error


def require_tables(connection: Connection) -> None:
    row = connection.execute("SELECT to_regclass('shop.refunds')").fetchone()
    if not row or row[0] is None:
        raise ShopError("the shop has no tables yet; make them: ./run shop init")


def apply_schema(connection: Connection, settings: Settings) -> None:
    """Tables, roles and publication. Safe to repeat."""
    passwords = {"cdc_password": settings.shop_cdc_password, "reader_password": settings.shop_reader_password}
    with connection.transaction():
        connection.execute(_read_sql("schema.sql"))
        literals = {name: sql.Literal(password) for name, password in passwords.items()}
        connection.execute(sql.SQL(_read_sql("roles.sql")).format(**literals))
        connection.execute(_read_sql("publication.sql"))


def _read_sql(name: str) -> LiteralString:
    """A file of ours, so it counts as a literal."""
    return cast(LiteralString, (files("source_server.shop") / "sql" / name).read_text())


def table_name(table: ShopTable) -> sql.Identifier:
    return sql.Identifier(*table.full_name.split("."))


def count_rows(connection: Connection) -> dict[str, int]:
    """The number of rows of each table."""
    require_tables(connection)
    counts = {}
    for table in TABLES:
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(table_name(table))).fetchone()
        counts[table.name] = row[0] if row else 0
    return counts


def add_rows(connection: Connection, table: str, rows: list[dict[str, Any]]) -> int:
    """Insert the rows that are missing, and return how many those are."""
    if not rows:
        return 0
    columns = tuple(rows[0])
    statement = sql.SQL("INSERT INTO shop.{} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.Placeholder, columns)),
    )
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)
        return cursor.rowcount


def clear(connection: Connection) -> dict[str, int]:
    """Delete all rows and return how many those were. Rows are deleted and not truncated, so that readers of changes see it."""
    deletions = {}
    with connection.transaction():
        lock_simulation(connection)
        for table in reversed(TABLES):
            deletions[table.name] = connection.execute(sql.SQL("DELETE FROM {}").format(table_name(table))).rowcount
    return deletions


def lock_simulation(connection: Connection) -> None:
    """Until the connection ends."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [SIMULATION_LOCK]).fetchone()
    if not row or not row[0]:
        raise ShopError("another simulation of this shop is running; stop it first.")


def find_last_visit(connection: Connection) -> datetime | None:
    """The latest moment at which a customer did something."""
    require_tables(connection)
    row = connection.execute(
        "SELECT greatest((SELECT max(updated_at) FROM shop.orders), (SELECT max(updated_at) FROM shop.carts), "
        "(SELECT max(added_at) FROM shop.wishlists))"
    ).fetchone()
    return row[0] if row else None


# ---------------------------------------------------------------- the world


def load_world(connection: Connection, currency: str, ids_at_once: int) -> World:
    """What a simulation must know. `ids_at_once` numbers are taken from a sequence at a time."""
    require_tables(connection)
    products = {row[0]: Product(*row) for row in connection.execute(_PRODUCTS)}
    customers = {row[0]: Customer(*row) for row in connection.execute(_CUSTOMERS)}
    if not products or not customers:
        raise ShopError("the shop has no products and customers yet; make them: ./run shop init")
    for cart_id, customer_id, product_id, quantity in connection.execute(_CARTS):
        customer = customers[customer_id]
        customer.cart = customer.cart or Cart(cart_id)
        if product_id is not None:
            customer.cart.items[product_id] = quantity
    for customer_id, product_id in connection.execute("SELECT customer_id, product_id FROM shop.wishlists ORDER BY added_at, 2"):
        customers[customer_id].wishes[product_id] = None
    row = connection.execute("SELECT count(*) FROM shop.orders").fetchone()
    orders = row[0] if row else 0
    make_ids = partial(_draw_ids, connection, ids_at_once)
    return World(products, customers, _load_unfinished(connection), orders, currency, _make_new_ids(make_ids))


_PRODUCTS = """
SELECT product_id, category_id, code, brand, price, stock, active FROM shop.products JOIN shop.categories USING (category_id)
ORDER BY category_id, product_id"""
_CUSTOMERS = "SELECT customer_id, signed_up_at, marketing_consent FROM shop.customers ORDER BY signed_up_at, customer_id"
_CARTS = """
SELECT cart_id, customer_id, product_id, quantity FROM shop.carts LEFT JOIN shop.cart_items USING (cart_id)
WHERE status = 'open' ORDER BY cart_id, added_at, product_id"""
_ORDERS = """
SELECT o.order_id, customer_id, o.status, h.positions, p.attempt, p.payment_id, p.method, p.status = 'pending', shipment_id
FROM shop.orders o
CROSS JOIN LATERAL (SELECT max(position) AS positions FROM shop.order_status_history h WHERE h.order_id = o.order_id) h
CROSS JOIN LATERAL (SELECT * FROM shop.payments p WHERE p.order_id = o.order_id ORDER BY attempt DESC LIMIT 1) p
LEFT JOIN shop.shipments s ON s.order_id = o.order_id
WHERE o.status IN ('placed', 'paid', 'shipped') AND h.positions IS NOT NULL ORDER BY o.order_id"""
_LINES = """
SELECT order_id, line, product_id, quantity, unit_price, discount FROM shop.order_items JOIN shop.orders USING (order_id)
WHERE status IN ('placed', 'paid', 'shipped') ORDER BY order_id, line"""


def _load_unfinished(connection: Connection) -> list[Order]:
    """Orders that are to be paid, sent or delivered. One that somebody inserted without a payment or a history is left alone."""
    lines: dict[int, list[Line]] = {}
    for order_id, *values in connection.execute(_LINES):
        lines.setdefault(order_id, []).append(Line(*values))
    return [
        Order(order_id, customer_id, lines[order_id], status, positions, attempt, payment_id, method, pending, shipment_id or 0)
        for order_id, customer_id, status, positions, attempt, payment_id, method, pending, shipment_id in connection.execute(
            _ORDERS
        )
        if order_id in lines
    ]


def _make_new_ids(make_ids: Callable[[str, str], Iterator[int]]) -> NewIds:
    return NewIds(**{table.name: make_ids(table.full_name, table.key[0]) for table in TABLES if table.sequence})


def _draw_ids(connection: Connection, at_once: int, table: str, column: str) -> Iterator[int]:
    """Numbers of the column's sequence, so that rows which others insert get different ones."""
    while True:
        statement = "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)"
        yield from (row[0] for row in connection.execute(statement, [table, column, at_once]).fetchall())

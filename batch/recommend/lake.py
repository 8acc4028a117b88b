"""Writes a publication to the Delta tables on HDFS."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError

from batch.recommend.lists import CHUNK, CustomerLists
from cdp.kinds import MONEY_SCALE, PRICE, PRICE_DIGITS
from cdp.lake.paths import table_url
from cdp.lake.tables import CUSTOMER_FEATURES_TABLE, PRODUCT_FEATURES_TABLE, RECOMMENDATIONS_TABLE, LakeTable
from cdp.recommend.histories import Histories, Texts
from cdp.recommend.publications import Publication
from cdp.settings import Settings

_ARROW = {
    "string": pa.string(), "int": pa.int32(), "float": pa.float32(), PRICE: pa.decimal128(PRICE_DIGITS, MONEY_SCALE),
    "array<string>": pa.list_(pa.string()), "array<float>": pa.list_(pa.float32()),
}  # fmt: skip
#: The commit of a table that holds a publication names it.
_NAME = "publication"


def write_tables(settings: Settings, publication: Publication, customer_ids: Texts, lists: CustomerLists) -> int:
    """Returns the version of `recommendations`."""
    batches = {
        PRODUCT_FEATURES_TABLE: _make_products(publication),
        CUSTOMER_FEATURES_TABLE: _make_customers(publication, customer_ids, lists),
        RECOMMENDATIONS_TABLE: _make_places(publication, customer_ids, lists),
    }
    return [_write(settings, table, publication.name, rows) for table, rows in batches.items()][-1]


def _write(settings: Settings, table: LakeTable, name: str, columns: Iterator[list[pa.Array]]) -> int:
    """Replace the rows of the table, unless they are those of this publication."""
    url = table_url(settings, table.name)
    try:
        delta = DeltaTable(url)
        if delta.history(1)[0].get(_NAME) == name:
            return int(delta.version())
    except TableNotFoundError:
        pass
    schema = pa.schema([(column, _ARROW[kind]) for column, kind in table.columns.items()])
    batches = (pa.record_batch(_add_name(name, arrays), schema=schema) for arrays in columns)
    write_deltalake(
        url, pa.RecordBatchReader.from_batches(schema, batches), mode="overwrite", configuration=dict(table.properties),
        commit_properties=CommitProperties(custom_metadata={_NAME: name}),
    )  # fmt: skip
    return int(DeltaTable(url).version())


def _add_name(name: str, arrays: list[pa.Array]) -> list[pa.Array]:
    return [pa.repeat(pa.scalar(name), len(arrays[0])), *arrays]


def _make_products(publication: Publication) -> Iterator[list[pa.Array]]:
    prices = [Decimal(cents).scaleb(-MONEY_SCALE) for cents in publication.price.tolist()]
    yield [
        pa.array(publication.part.product_ids),
        pa.array(publication.categories[publication.part.category]),
        pa.array(publication.brand),
        pa.array(prices, _ARROW[PRICE]),
        pa.array(publication.price_band, pa.int32()),
        pa.array(publication.popularity_7, pa.float32()),
        pa.array(publication.popularity_28, pa.float32()),
    ]


def _make_customers(publication: Publication, customer_ids: Texts, lists: CustomerLists) -> Iterator[list[pa.Array]]:
    products = pa.array(publication.part.product_ids)
    for rows in _split(len(lists)):
        latest, bought = lists.latest.take(rows), lists.bought.take(rows)
        yield [
            pa.array(customer_ids[rows]),
            _make_list(latest, products.take(pa.array(latest.product))),
            _make_list(latest, pa.array(latest.strength, pa.float32())),
            _make_list(bought, products.take(pa.array(bought.product))),
        ]


def _make_list(histories: Histories, values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(histories.starts, pa.int32()), values)


def _make_places(publication: Publication, customer_ids: Texts, lists: CustomerLists) -> Iterator[list[pa.Array]]:
    """A row for each place of each list, the first place is 1."""
    part = publication.part
    products, categories = pa.array(part.product_ids), pa.array(publication.categories[part.category])
    for rows in _split(len(lists)):
        chunk = lists.for_you[rows]
        row, place = np.nonzero(chunk >= 0)
        listed = pa.array(chunk[row, place])
        yield [
            pa.array(customer_ids[rows]).take(pa.array(row)),
            pa.array(place + 1, pa.int32()),
            products.take(listed),
            categories.take(listed),
        ]


def _split(customers: int) -> Iterator[np.ndarray]:
    return (np.arange(first, min(first + CHUNK, customers)) for first in range(0, customers, CHUNK))

"""The figures that the gate compares with the ledger of the stream, for one version of the events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from batch.gate.checks import StreamFigures, check_ledger
from batch.gate.ledger import read_stream_figures
from batch.hdfs import compact as compaction
from batch.hdfs.changes import list_event_files
from batch.hdfs.compactions import read_compactions, record_compactions
from batch.stores.mart import night_connection
from cdp.lake.paths import table_url
from cdp.settings import load
from tests import databases
from tests.batch.conftest import Events
from tests.batch.gate.stream import Stream
from tests.batch.gate.test_checks import RIGHT
from tests.batch.shop import D2, NOW, Shop, on

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.spark]


@pytest.fixture
def stream(spark: SparkSession, events: Events, tmp_path: Path) -> Iterator[Stream]:
    """A stream into a shop that has seen no night."""
    with databases.database(load()) as settings:
        shop = Shop(replace(settings, hdfs_url=f"file:{tmp_path}"), spark, events)
        with night_connection(shop.settings):
            pass  # this creates the tables, as any stream does
        yield Stream(shop)


def read_figures(stream: Stream, version: int | None = None) -> StreamFigures:
    shop = stream.shop
    now = list_event_files(shop.settings)

    def record_missing() -> None:
        record_compactions(shop.spark, shop.settings, read_compactions(shop.settings, now.table_id), now, NOW)

    with night_connection(shop.settings) as connection:
        figures = read_stream_figures(connection, shop.settings, list_event_files(shop.settings, version), record_missing)
    assert figures is not None
    return figures


def count(figures: StreamFigures) -> tuple[int, int, int, int]:
    return figures.good, figures.replayed, figures.rows, figures.dropped


def passes(figures: StreamFigures) -> bool:
    return check_ledger(replace(RIGHT, stream=figures)).passed


def test_rows_and_good_messages_are_equal_also_after_a_compaction_that_was_not_recorded(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.write(on(1), on(2), on(2, event_id="0-1"))
    assert count(read_figures(stream)) == (3, 0, 3, 0)
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "record_compactions", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            compaction.compact(stream.shop.spark, stream.shop.settings, D2, NOW)
    stream.write(on(1, "bob"))
    figures = read_figures(stream)
    assert count(figures) == (4, 0, 3, 1)
    assert passes(figures)


def test_rows_that_the_stream_writes_after_the_version_are_left_out_on_both_sides(stream: Stream) -> None:
    stream.write(on(1), on(2))
    version = list_event_files(stream.shop.settings).version
    stream.write(on(2, "dan"), on(2, "eve"), on(2, "fay"))
    assert count(read_figures(stream, version)) == (2, 0, 2, 0)
    assert count(read_figures(stream)) == (5, 0, 5, 0)


def test_last_batch_may_be_missing_in_the_ledger_and_a_lost_event_may_not(stream: Stream) -> None:
    stream.write(on(1))
    stream.write(on(2, "fay"), in_ledger=False)
    figures = read_figures(stream)
    assert (count(figures), figures.has_unwritten_batch, passes(figures)) == ((1, 0, 2, 0), True, True)
    stream.write_ledger(1)
    assert not read_figures(stream).has_unwritten_batch
    stream.write(on(2, "gil"), good=2)
    figures = read_figures(stream)
    assert (count(figures), figures.has_unwritten_batch, passes(figures)) == ((4, 0, 3, 0), False, False)


def test_replayed_events_are_not_counted_as_good_messages(stream: Stream) -> None:
    shop = stream.shop
    stream.write(on(1), on(2))
    quarantine = shop.spark.createDataFrame(
        [("r1", "t", 0, offset, NOW.replace(tzinfo=None)) for offset in (1, 1, 2)]
        + [(None, "t", 0, 3, NOW.replace(tzinfo=None))],
        "replay_id string, kafka_topic string, kafka_partition int, kafka_offset bigint, received_at timestamp",
    )
    quarantine.write.format("delta").save(table_url(shop.settings, "quarantine"))
    stream.append("r1", 0, on(2, "bob", event_id="a"), on(2, "bob", event_id="b"))
    figures = read_figures(stream)
    assert count(figures) == (2, 2, 4, 0)
    assert passes(figures)


def test_events_that_no_stream_of_the_ledger_has_written_have_no_figures(stream: Stream) -> None:
    stream.append("another", 0, on(1))
    stream.write_ledger(1)
    with night_connection(stream.shop.settings) as connection:
        files = list_event_files(stream.shop.settings)
        assert read_stream_figures(connection, stream.shop.settings, files, lambda: None) is None

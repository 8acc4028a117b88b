"""The changes between two exports, beside a naive comparison in Python."""

from __future__ import annotations

import csv
import io
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdp.settings import load
from source_server.diff.compare import ChangeCounts, Transition, count_changes, iterate_changes
from source_server.diff.options import make_options
from source_server.diff.send import make_messages
from source_server.diff.snapshots import Snapshots
from source_server.intake.refusal import FileRefused
from tests.source_server.diff.conftest import TABLE, Write

OPTIONS = make_options("order_items")
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
#: The key in two columns -> a number and a text.
ROWS = st.dictionaries(
    st.tuples(st.integers(1, 4), st.integers(1, 12)), st.tuples(st.one_of(st.none(), st.integers(1, 2)), TEXTS), max_size=30
)


def write_table(path: Path, rows: dict[tuple[int, int], tuple[int | None, str]], order: random.Random) -> Path:
    """Rows and columns in a random order."""
    columns = ["order_id", "line", "quantity", "note"]
    order.shuffle(columns)
    lines = [{"order_id": a, "line": b, "quantity": number, "note": text} for (a, b), (number, text) in rows.items()]
    order.shuffle(lines)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(lines)
    path.write_bytes(text.getvalue().encode())
    return path


def as_row(key: tuple[int, int], values: tuple[int | None, str]) -> dict[str, Any]:
    return {"order_id": key[0], "line": key[1], "quantity": values[0], "note": values[1] or None}


def compare_naively(old: dict[Any, Any], new: dict[Any, Any]) -> list[Any]:
    changes = []
    for key in sorted({*old, *new}):
        before = as_row(key, old[key]) if key in old else None
        after = as_row(key, new[key]) if key in new else None
        if before != after:
            changes.append(({"order_id": key[0], "line": key[1]}, before, after, "c" if not before else "u" if after else "d"))
    return changes


@given(old=ROWS, new=ROWS, order=st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_changes_are_those_of_a_naive_comparison(old: Any, new: Any, order: random.Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        snapshots = Snapshots(load({"CDP_VAR_DIR": folder}), OPTIONS.table, OPTIONS.key)
        base, _ = snapshots.add(write_table(Path(folder) / "a.csv", old, order), OPTIONS)
        target, _ = snapshots.add(write_table(Path(folder) / "b.csv", new, order), OPTIONS)
        expected = compare_naively(old, new)
        changes = [
            (json.loads(each.key), each.before and json.loads(each.before), each.after and json.loads(each.after), each.op)
            for each in iterate_changes(snapshots, Transition(base, target))
        ]
        assert changes == expected
        ops = [op for *_, op in expected]
        assert count_changes(snapshots, Transition(base, target)) == ChangeCounts(*map(ops.count, "cud"))
        assert (base == target) == (not expected)
        skip = len(expected) // 2
        assert [each.op for each in iterate_changes(snapshots, Transition(base, target), skip)] == ops[skip:]


def test_first_snapshot_is_read_as_a_whole(snapshots: Snapshots, write: Write) -> None:
    target, _ = snapshots.add(write("product_id,name", "2,b", "1,a"), make_options(TABLE))
    changes = list(iterate_changes(snapshots, Transition("", target)))
    assert [(each.key, each.op, each.before) for each in changes] == [
        ('{"product_id":1}', "r", None),
        ('{"product_id":2}', "r", None),
    ]
    assert count_changes(snapshots, Transition("", target)) == ChangeCounts(inserted=2)


def test_export_without_rows_is_a_snapshot(snapshots: Snapshots, write: Write) -> None:
    base, _ = snapshots.add(write("product_id,name", "1,a"), make_options(TABLE))
    target, _ = snapshots.add(write("product_id,name"), make_options(TABLE))
    assert [each.op for each in iterate_changes(snapshots, Transition(base, target))] == ["d"]


def test_same_rows_in_another_order_are_the_same_snapshot(snapshots: Snapshots, write: Write) -> None:
    one, _ = snapshots.add(write("product_id,name,price", "2,b,1", "1,a,2"), make_options(TABLE))
    other, _ = snapshots.add(write("price,name,product_id", "2.00,a,1", "1.0,b,2"), make_options(TABLE))
    assert one == other


def test_only_named_snapshots_are_kept(snapshots: Snapshots, write: Write) -> None:
    old, _ = snapshots.add(write("product_id,name", "1,a"), make_options(TABLE))
    new, _ = snapshots.add(write("product_id,name", "1,b"), make_options(TABLE))
    left = snapshots.path_of(new).parent
    (left / ".rows.parquet").touch()
    (left / ".sorting").mkdir()
    (left / ".sorting" / "part").touch()
    snapshots.keep({new})
    assert (snapshots.exists(old), [path.name for path in left.iterdir()]) == (False, [snapshots.path_of(new).name])


def test_repeated_key_is_refused_with_both_lines(snapshots: Snapshots, write: Write) -> None:
    with pytest.raises(FileRefused, match=r"products\.csv: line 4 has the same product_id as line 2"):
        snapshots.add(write("product_id,name", "7,a", "8,b", "007,c"), make_options(TABLE))


def test_messages_are_debeziums(snapshots: Snapshots, write: Write) -> None:
    base, _ = snapshots.add(write("product_id,name", "1,a"), make_options(TABLE))
    target, _ = snapshots.add(write("product_id,name", '2,"ü"""'), make_options(TABLE))
    deleted, inserted = (make_messages(change, b'"source":{}') for change in iterate_changes(snapshots, Transition(base, target)))
    assert [(key, json.loads(value) if value else None) for key, value in (*deleted, *inserted)] == [
        (b'{"product_id":1}', {"before": {"product_id": 1, "name": "a"}, "after": None, "op": "d", "source": {}}),
        (b'{"product_id":1}', None),
        (b'{"product_id":2}', {"before": None, "after": {"product_id": 2, "name": 'ü"'}, "op": "c", "source": {}}),
    ]

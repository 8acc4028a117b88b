"""A large file with every known fault in one row of a hundred: each is counted on its line. Also the text of a preview."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from source_server.intake import FileAccount, Refusals, make_preview, mapping_for
from source_server.intake.account import MAX_PLACES
from tests.source_server.intake.conftest import HEADER, NOW, ROW, load

FILE = Callable[..., Path]
ROWS = 200_000
#: The reason for the refusal, and a function that makes a good row faulty.
DIRT: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("missing", lambda row: row.replace(b",u1,", b", ,")),
    ("missing", lambda row: row.replace(b",9.50,", b",,")),
    ("bad_time", lambda row: row.replace(b" UTC", b"")),
    ("bad_time", lambda row: row.replace(b"2019-10-01", b"2019-13-01")),
    ("bad_time", lambda row: row.replace(b"2019-10-01", b"2049-10-01")),
    ("bad_type", lambda row: row.replace(b",view,", b",look,")),
    ("bad_price", lambda row: row.replace(b",9.50,", b',"9,50",')),
    ("bad_price", lambda row: row.replace(b",9.50,", b",-9.50,")),
    ("too_long", lambda row: row.replace(b"apple", b"a" * 201)),
    ("not_json", lambda row: row + b",more"),
    ("not_json", lambda row: row[:40]),
    ("not_json", lambda row: row.replace(b"apple", b"m\xfcller")),
    ("not_json", lambda row: row.replace(b"apple", b'"apple')),
    ("not_json", lambda row: row.replace(b"apple", b"ap\rple")),
]
#: Odd, but events.
ODD: list[Callable[[bytes], bytes]] = [
    lambda row: row.replace(b"apple", b'"ap""p\nle"'),
    lambda row: row.replace(b"apple", b'5" disk'),
    lambda row: row.replace(b"apple", b"back\\slash"),
    lambda row: row.replace(b" UTC", b"+00:00") + b"\r",
    lambda row: b"\n" + row,
]


def test_every_kind_of_dirt_is_counted_on_its_line(tmp_path: Path) -> None:
    chance, line, out = random.Random(7), 2, [HEADER.encode()]
    planted: dict[str, list[int]] = {}
    for _ in range(ROWS):
        row = ROW.encode()
        if chance.random() < 0.01:
            reason, spoil = chance.choice(DIRT)
            row = spoil(row)
            planted.setdefault(reason, []).append(line)
        elif chance.random() < 0.01:
            row = chance.choice(ODD)(row)
        out.append(row)
        line += row.count(b"\n") + 1
    path = tmp_path / "dirty.csv"
    path.write_bytes(b"\n".join(out) + b"\n")
    result = load(path)
    assert result.refused == {reason: (len(places), places[:MAX_PLACES]) for reason, places in planted.items()}
    assert (result.account.read, len(result.lines)) == (ROWS, ROWS)
    assert result.account.events == ROWS - sum(map(len, planted.values()))


def test_accounts_add_up() -> None:
    one = FileAccount(3, {"a": 1}, 1, {"missing": Refusals(1, [2], "price", "it is missing or empty")})
    other = FileAccount(
        9, {"a": 2, "b": 1}, 0, {"missing": Refusals(6, [5, 6, 7, 8, 9], "brand", "x"), "bad_time": Refusals(1, [4])}
    )
    both = one + other
    assert (both.read, both.skipped, both.events) == (12, {"a": 3, "b": 1}, 1)
    assert both.refused["missing"] == Refusals(7, [2, 5, 6, 7, 8], "price", "it is missing or empty")
    one += other
    assert one == both
    assert FileAccount() + one == one


def test_the_text_of_a_preview(file: FILE) -> None:
    mapping = file("m.toml", "[[skip]]", "rule = 'tests'", "column = 'user_id'", "equals = 'test'")
    rows = [
        ROW,
        ROW.replace("view", "cart"),
        ROW.replace("u1", "test"),
        ROW.replace("9.50", "free"),
        ROW[:30],
        ROW.replace("s1", "s2"),
    ]
    path = file("shop.csv", HEADER, *rows)
    shown = str(make_preview(path, mapping_for(str(mapping)), "shop", NOW))
    assert shown.splitlines()[:4] == [
        "shop.csv, read by m.toml",
        "",
        "The first rows as events",
        (
            "  event_time=2019-10-01 00:00:00 UTC  event_type=view  product_id=1  category_id=2053013552259662037"
            "  category_code=electronics.smartphone  brand=apple  price=9.50  user_id=u1  user_session=s1  source=shop"
        ),
    ]
    assert shown.split("What becomes of the rows\n")[1] == (
        "  rows read                    6\n"
        "  left out by the mapping      1\n"
        "    tests                      1\n"
        "  events                       3\n"
        "  refused, kept in quarantine  2\n"
        "    not_json                   1  the message is not a JSON object\n"
        "                                  line 6: the row has 3 values instead of 9\n"
        "    bad_price                  1  the price is not a number, is negative, or has too many digits\n"
        "                                  line 5: price: 'free' is not a number\n"
        "\n"
        "From 2019-10-01 00:00:00 UTC to 2019-10-01 00:00:00 UTC\n"
        "\n"
        "Events by type\n"
        "  view  2\n"
        "  cart  1"
    )


MEASURE = """
import re, sys
from datetime import UTC, datetime
from pathlib import Path
from source_server.intake import mapping_for, read_chunks
path = Path(sys.argv[1])
rows = sum(len(chunk.lines) for chunk in read_chunks(path, mapping_for(None), "x", datetime.now(UTC)))
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)
print(rows, int(peak) // 1024)
"""


@pytest.mark.subprocess
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """The kernel's own figure: what getrusage says of a child includes the parent it was forked from. 60,000 rows take some
    200 MB, 2.4 million 280."""
    path = tmp_path / "large.csv"
    with path.open("w") as out:
        out.write(HEADER + "\n")
        for _ in range(100):
            out.write((ROW + "\n") * 12_000)
    run = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True, timeout=120)
    rows, megabytes = map(int, run.stdout.split())
    assert rows == 1_200_000
    assert megabytes < 400
    assert run.stderr == ""

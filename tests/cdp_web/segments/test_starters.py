"""The starter segments on the history of `./run demo`. Needs no server: the metrics are those of the oracle, and the snapshot is
built by the site's own code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import duckdb
import pytest

from cdp.rules import Behaviour, Compare, InSegment, Rule, Sequence, Source, check, decode, hash_rule, to_sql, walk
from cdp.rules.behaviours import MEASURES_BY_KEY
from cdp.rules.tree import steps_of
from cdp.settings import REPOSITORY
from cdp_web.segments.models import Segment
from cdp_web.segments.starter_rules import build_document
from cdp_web.segments.starters import STARTERS, Starter
from cdp_web.serving import snapshot_store
from cdp_web.serving.publications import Publication
from infra.stack.demo import HISTORY
from source_server import generate
from source_server.generate import LAST_DAY
from tests.oracle.customers import customers_sql
from tests.oracle.events import INTERACTIONS_SQL, read_events, read_file

AS_OF = LAST_DAY
IDS = {starter.name: number for number, starter in enumerate(STARTERS, start=1)}
RULES: dict[int, Rule] = {IDS[starter.name]: decode(build_document(starter.node, IDS)) for starter in STARTERS}
LEAVES = [node.rule for rule in RULES.values() for node in walk(rule)]
#: The categories of an event are the levels of its code.
LEVELS = ", ".join(f"string_split(category, '.')[{level}] AS category_{level}" for level in (1, 2, 3))
SHARES = [key for key in MEASURES_BY_KEY if key.startswith("share_of_")]
each_starter = pytest.mark.parametrize("starter", STARTERS, ids=lambda starter: starter.name)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The snapshot of the demo's publication."""
    folder = tmp_path_factory.mktemp("demo")
    history = folder / "history.parquet"
    assert generate.main(["--out", str(history), *HISTORY, "--jobs", "1"]) == 0
    with duckdb.connect(str(folder / "oracle.duckdb")) as oracle, pytest.MonkeyPatch.context() as patch:
        read_file(oracle, history)
        read_events(oracle)
        customers = oracle.sql(customers_sql(AS_OF)).to_arrow_table()
        interactions = oracle.sql(f"SELECT * EXCLUDE (category), {LEVELS} FROM ({INTERACTIONS_SQL})").to_arrow_table()
        patch.setattr(snapshot_store, "get_folder", lambda: folder)
        patch.setattr(snapshot_store, "open_customers", lambda publication: customers)
        patch.setattr(snapshot_store, "open_interactions", lambda publication: interactions)
        counts = {"customers": len(customers)}
        publication = Publication(1, AS_OF, datetime(2019, 11, 1, tzinfo=UTC), 1, 1, "profiles_1", counts)
        path = snapshot_store.snapshot_ensure(publication)
    with duckdb.connect(str(path), read_only=True) as snapshot:
        snapshot.execute(f"ATTACH '{folder / 'oracle.duckdb'}' AS oracle (READ_ONLY)")
        yield snapshot


def count_members(demo: duckdb.DuckDBPyConnection, rule: Rule, as_of: date) -> int:
    return count(demo, to_sql(rule, Source(as_of, key=snapshot_store.KEY, segments=RULES)))


def count(demo: duckdb.DuckDBPyConnection, sql: str) -> int:
    ((number,),) = demo.execute(f"SELECT count(*) FROM ({sql})").fetchall()
    return int(number)


@each_starter
def test_some_customers_of_the_demo_are_members_and_some_are_not(demo: duckdb.DuckDBPyConnection, starter: Starter) -> None:
    assert 0 < count_members(demo, RULES[IDS[starter.name]], AS_OF) < count(demo, "FROM customers")


IN_ELECTRONICS = [{"field": "category_1", "operator": "eq", "value": "electronics"}]
LEFT_IN_CART = {"behaviour": {"event": "cart", "did": True, "where": IN_ELECTRONICS, "window": {"last_days": 7}}}
BOUGHT_SINCE = {
    "sequence": {
        "first": {"event": "cart", "where": IN_ELECTRONICS}, "then": {"event": "purchase", "where": IN_ELECTRONICS},
        "within_days": 7, "window": {"last_days": 7},
    }
}  # fmt: skip
#: The same question to the events themselves.
STORY_SQL = """
WITH carts AS (
    SELECT user_id, min(day) AS day FROM oracle.events
    WHERE event_type = 'cart' AND code[1] = 'electronics' AND day > DATE '2019-10-24' GROUP BY user_id
), buyers AS (
    SELECT DISTINCT user_id FROM oracle.events JOIN carts USING (user_id)
    WHERE event_type = 'purchase' AND code[1] = 'electronics' AND events.day >= carts.day
), window_shoppers AS (
    SELECT user_id FROM oracle.events WHERE day > DATE '2019-10-01' GROUP BY user_id
    HAVING count(DISTINCT product_id) FILTER (WHERE event_type = 'view') >= 10
        AND count(*) FILTER (WHERE event_type IN ('cart', 'purchase')) = 0
)
SELECT user_id FROM carts WHERE user_id NOT IN (FROM buyers) AND user_id NOT IN (FROM window_shoppers) ORDER BY user_id
"""


def test_left_electronics_in_the_cart_is_what_the_events_say(demo: duckdb.DuckDBPyConnection) -> None:
    """Electronics in the cart in the last 7 days, nothing bought from electronics since, not a window shopper."""
    not_a_window_shopper = {"not": {"segment": {"id": IDS["Window shoppers"]}}}
    document = {"version": 1, "rule": {"all": [LEFT_IN_CART, {"not": BOUGHT_SINCE}, not_a_window_shopper]}}
    sql = to_sql(decode(document), Source(AS_OF, key=snapshot_store.KEY, segments=RULES))
    members = demo.execute(f"SELECT customer_id FROM ({sql}) ORDER BY customer_id").fetchall()
    assert members == demo.execute(STORY_SQL).fetchall()
    assert len(members) > 50


def test_first_orders_have_their_anniversary_a_year_later(demo: duckdb.DuckDBPyConnection) -> None:
    """The history is too short for an anniversary, so nobody is in that condition of the starter on the demo's own day."""
    (anniversary,) = (leaf for leaf in LEAVES if isinstance(leaf, Compare) and leaf.operator == "anniversary_in_days")
    assert count_members(demo, anniversary, AS_OF) == 0
    year_later = AS_OF.replace(year=AS_OF.year + 1)
    (coming,) = demo.execute("SELECT count(*) FROM customers WHERE first_order = ?", [AS_OF]).fetchall()[0]
    assert count_members(demo, anniversary, year_later) == coming > 0


@each_starter
def test_the_rule_is_valid_and_refers_only_to_earlier_starters(starter: Starter) -> None:
    number = IDS[starter.name]
    earlier = {name: other for name, other in IDS.items() if other < number}
    rule = decode(build_document(starter.node, earlier))
    assert check(rule) == []
    assert starter.description == f"{starter.meaning} What to do: {starter.advice}"
    assert len(starter.description) <= (Segment._meta.get_field("description").max_length or 0)


def test_no_two_starters_have_one_name_or_one_rule() -> None:
    assert len({starter.name.lower() for starter in STARTERS}) == len(STARTERS) == 25
    assert len({hash_rule(rule) for rule in RULES.values()}) == len(STARTERS)


def test_no_starter_names_a_thing_that_another_shop_may_lack() -> None:
    steps = [step for leaf in LEAVES if isinstance(leaf, Behaviour | Sequence) for _, step in steps_of(leaf)]
    filters = {each.field for step in steps for each in step.filters}
    assert filters == {"weekday", "hour"}
    texts = {leaf.field for leaf in LEAVES if isinstance(leaf, Compare) for value in leaf.values if isinstance(value, str)}
    assert texts == {"lifecycle", "rfm_group", "rfm_group_30d_ago"}


def test_starters_use_the_whole_language() -> None:
    behaviours = [leaf for leaf in LEAVES if isinstance(leaf, Behaviour)]
    assert {leaf.measure for leaf in behaviours} >= {"events", "money", "products", "categories", "days", *SHARES}
    assert {leaf.window.kind for leaf in behaviours} >= {"ever", "last_days", "days_ago", "last_month", "this_month"}
    assert {leaf.follows for leaf in LEAVES if isinstance(leaf, Sequence)} == {True, False}
    assert sum(isinstance(leaf, InSegment) for leaf in LEAVES) >= 4
    operators = {leaf.operator for leaf in LEAVES if isinstance(leaf, Compare)}
    assert operators >= {"in", "top_percent", "anniversary_in_days", "in_last_days", "more_than_days_ago"}


def test_the_docs_list_every_starter() -> None:
    page = (REPOSITORY / "docs" / "segments.md").read_text()
    rows = re.findall(r"^\| \*(.+?)\* \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert rows == [(starter.name, starter.meaning, starter.advice) for starter in STARTERS]

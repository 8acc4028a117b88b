"""The peer with documents: a row per customer in Postgres with the metrics and the interactions as JSONB, each under a GIN index.
The two are separate columns, so a rule on metrics doesn't read the interactions. A rank among all customers is left out."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date

import sqlglot
from sqlglot import exp

from benchmarks.segments_postgres import PeerTimes, connect, list_metrics, measure_all
from benchmarks.segments_rules import RULES, make_source
from cdp.kinds import METRIC_KINDS
from cdp.metrics import BY_KEY
from cdp.rules import All, Behaviour, Compare, InList, InSegment, Not, Recommended, Rule, Sequence, Step, walk
from cdp.rules import Any as AnyOf
from cdp.rules.conditions import build_comparison, build_total
from cdp.rules.operators import BY_KEY as OPERATORS
from cdp.rules.windows import find_days, go_back
from cdp.settings import Settings

#: Of each interaction, what the rules read.
_FIELDS = ("event_type", "day", "product_id", "category_1", "brand", "events", "money")
_MEASURES = {
    "events": "sum((did.x->>'events')::bigint)",
    "money": "sum(abs((did.x->>'money')::numeric))",
    "categories": "count(DISTINCT did.x->>'category_1')",
}


def fill_documents(settings: Settings) -> None:
    """Make the documents from the tables of the other peer."""
    metrics = ", ".join(f"'{name}', c.{name}" for name in list_metrics())
    fields = ", ".join(f"'{name}', i.{name}" for name in _FIELDS)
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SET search_path TO peer, public; SET work_mem = '1GB'")
        cursor.execute(
            f"CREATE TABLE documents AS SELECT c.customer_id, jsonb_strip_nulls(jsonb_build_object({metrics})) AS metrics, d.did"
            f" FROM customers c JOIN (SELECT customer, jsonb_agg(jsonb_strip_nulls(jsonb_build_object({fields}))) AS did"
            " FROM interactions i GROUP BY customer) d USING (customer)"
        )
        for column in ("metrics", "did"):
            cursor.execute(f"CREATE INDEX ON documents USING gin ({column} jsonb_path_ops)")
        cursor.execute("VACUUM ANALYZE documents")


def measure_documents(settings: Settings) -> dict[str, PeerTimes]:
    return measure_all(settings, {rule.name: write_query(rule.rule) for rule in RULES if not _has_rank(rule.rule)})


def write_query(rule: Rule) -> str:
    return f"SELECT customer_id FROM documents WHERE {_write(rule)}"


def _has_rank(rule: Rule) -> bool:
    leaves = (node.rule for node in walk(rule))
    return any(isinstance(leaf, Compare) and OPERATORS[leaf.operator].compares == "rank" for leaf in leaves)


def _write(rule: Rule) -> str:
    match rule:
        case All(children):
            return "(" + " AND ".join(map(_write, children)) + ")"
        case AnyOf(children):
            return "(" + " OR ".join(map(_write, children)) + ")"
        case Not(child):
            return f"NOT {_write(child)}"
        case Compare():
            return _write_comparison(rule)
        case Behaviour():
            return _write_behaviour(rule)
        case Sequence():
            return _write_sequence(rule)
        case InSegment(segment_id):
            return _write(make_source().segments[segment_id])
        case InList(list_id):
            return f"customer_id IN (SELECT customer_id FROM segments_listmember WHERE list_id = {list_id})"
        case Recommended():
            raise ValueError("The benchmark's tables have no recommendations.")


def _write_comparison(leaf: Compare) -> str:
    """Equality is a containment, which the index answers; the index has nothing for the other operators."""
    kind = METRIC_KINDS[BY_KEY[leaf.field].kind].postgres
    if leaf.operator == "eq" and isinstance(leaf.value, int | str):
        return f"metrics @> '{json.dumps({leaf.field: leaf.value})}'"
    value = sqlglot.parse_one(f"metrics->>'{leaf.field}'", read="postgres")
    actual = exp.cast(value, exp.DataType.build(kind, dialect="postgres"))
    kind_of_metric, as_of = BY_KEY[leaf.field].kind, make_source().as_of
    condition = build_total(
        actual, leaf.operator, lambda: build_comparison(actual, leaf.operator, leaf.values, kind_of_metric, as_of)
    )
    return f"({condition.sql('postgres')})"


def _write_behaviour(leaf: Behaviour) -> str:
    path = _write_path(leaf.step, find_days(leaf.window, make_source().as_of))
    if leaf.measure == "events" and (leaf.operator, leaf.value) in (("ge", 1), ("eq", 0)):
        return f"{'NOT ' if leaf.value == 0 else ''}did @? '{path}'"
    if leaf.measure == "share_of_money":
        return _write_share(leaf)
    value = f"(SELECT {_MEASURES[leaf.measure]} FROM jsonb_path_query(documents.did, '{path}') did(x))"
    return f"(did @? '{path}' AND {value} >= {leaf.value})"


def _write_share(leaf: Behaviour) -> str:
    path = _write_path(Step(leaf.step.event), find_days(leaf.window, make_source().as_of))
    (each,) = leaf.step.filters
    part = f"coalesce(sum((did.x->>'money')::numeric) FILTER (WHERE did.x->>'{each.field}' = '{each.value}'), 0)"
    whole = "sum((did.x->>'money')::numeric)"
    passes = f"{whole} > 0 AND {part} * 100 >= {whole} * {leaf.value}"
    return f"(did @? '{path}' AND (SELECT {passes} FROM jsonb_path_query(documents.did, '{path}') did(x)))"


def _write_sequence(leaf: Sequence) -> str:
    as_of = make_source().as_of
    first, last = find_days(leaf.window, as_of)
    end = last if leaf.follows else min(last, go_back(as_of, leaf.within_days))
    earlier, later = _write_path(leaf.first, (first, end)), _write_path(leaf.then, (first, as_of))
    next_days = f"(b->>'day')::date - (a->>'day')::date BETWEEN 0 AND {leaf.within_days}"
    exists = (
        f"EXISTS (SELECT FROM jsonb_path_query(documents.did, '{later}') b"
        f" WHERE b->>'{leaf.same}' = a->>'{leaf.same}' AND {next_days})"
    )
    follows = exists if leaf.follows else f"NOT {exists}"
    return f"(did @? '{earlier}' AND EXISTS (SELECT FROM jsonb_path_query(documents.did, '{earlier}') a WHERE {follows}))"


def _write_path(step: Step, days: tuple[date | None, date]) -> str:
    """The interactions of a step within the days; days are texts, which sort as days do."""
    first, last = days
    conditions = [
        *([f'@.event_type == "{step.event}"'] if step.event != "any" else []),
        *(f"@.{each.field} == {json.dumps(each.value)}" for each in step.filters),
        *([f'@.day >= "{first}"'] if first else []),
        f'@.day <= "{last}"',
    ]
    return f"$[*] ? ({' && '.join(conditions)})"

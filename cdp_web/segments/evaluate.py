"""Opens a snapshot for one rule: refuses a rule that costs too much, loads the lists, and names the guilty condition when a limit
is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from cdp.rules import Rule, Source
from cdp.rules.cost import LeafCost, Volume, estimate
from cdp.settings import current
from cdp_web.segments.models import ListMember
from cdp_web.segments.references import References
from cdp_web.serving.recommendations import recommendations_ensure
from cdp_web.serving.snapshot_query import QueryTooLarge, QueryTooSlow, Session, Snapshot


class TooExpensive(ValueError):
    """A rule needs more time or memory than one rule may have. `path` is its most expensive condition."""

    code = "too_expensive"

    def __init__(self, says: str, guilty: LeafCost) -> None:
        super().__init__(says)
        self.says = says
        self.path = guilty.path
        self.remedy = guilty.remedy

    def as_json(self) -> dict[str, str]:
        return {"code": self.code, "detail": self.says, "path": self.path, "remedy": self.remedy}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A rule on a snapshot, ready for queries."""

    rule: Rule
    references: References
    source: Source
    session: Session


@contextmanager
def evaluation_open(
    snapshot: Snapshot,
    rule: Rule,
    references: References,
    *,
    seconds: float,
    on_open: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
) -> Iterator[Evaluation]:
    """Raises TooExpensive before the rule runs, or when it reaches the limit of time or memory."""
    costs = estimate_costs(snapshot, rule, references)
    _refuse_too_expensive(costs)
    recommendations = recommendations_ensure(snapshot, references.recommendations)
    try:
        with snapshot.open_session(seconds, on_open) as session:
            if lists := _read_lists(references):
                session.load_lists(lists)
            if references.reads_recommendations:
                session.load_recommendations(recommendations)
            yield Evaluation(rule, references, references.source(snapshot.publication.day), session)
    except (QueryTooSlow, QueryTooLarge) as error:
        guilty = max(costs, key=lambda each: each.rows)
        raise TooExpensive(f"{error.says} The condition that reads most is at {guilty.path}.", guilty) from error


def estimate_costs(snapshot: Snapshot, rule: Rule, references: References) -> list[LeafCost]:
    volume = Volume(snapshot.publication.day, snapshot.count_customers(), snapshot.count_rows)
    return estimate(rule, volume, references.segments)


def _refuse_too_expensive(costs: list[LeafCost]) -> None:
    limit = current().segment_max_rows
    rows = sum(each.rows for each in costs)
    if rows > limit:
        guilty = max(costs, key=lambda each: each.rows)
        raise TooExpensive(
            f"The rule would read {rows:,} rows; the limit is {limit:,}. The condition at {guilty.path} reads {guilty.rows:,}.",
            guilty,
        )


def _read_lists(references: References) -> dict[int, list[str]]:
    """The ids of every list that the rule or its segments refer to."""
    members = ListMember.objects.values_list("customer_id", flat=True)
    return {number: list(members.filter(list_id=number)) for number in sorted(references.list_versions)}

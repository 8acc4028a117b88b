"""The recommendations of some customers, for exports and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cdp.lake.paths import RECOMMENDATIONS
from cdp.rules import Recommendation, Recommended
from cdp.rules.recommended import TOP_CATEGORY, find_recommended
from cdp_web.names.selectors import Names, names_get
from cdp_web.serving.errors import NoRecommendations
from cdp_web.serving.recommendations import Recommendations, recommendations_ensure, recommendations_get
from cdp_web.serving.snapshot_query import Snapshot
from cdp_web.serving.snapshot_store import KEY, TABLE

SECONDS = 60


@dataclass(frozen=True, slots=True)
class RecommendedList:
    """The first places of one customer; none if there are no recommendations for the customer."""

    customer_id: str
    places: list[Recommendation]

    @property
    def top_category(self) -> str | None:
        """The one that rules compare."""
        found = find_recommended(Recommended(TOP_CATEGORY, (), len(self.places)), self.places)
        return found if isinstance(found, str) else None


def recommendations_require() -> Recommendations:
    """Raises NoRecommendations before the first publication."""
    newest = recommendations_get()
    if newest is None:
        raise NoRecommendations
    return newest


def lists_read(snapshot: Snapshot, newest: Recommendations, ids: Sequence[str], count: int) -> list[RecommendedList]:
    """The lists of these customers in their order, each with up to `count` places."""
    path = recommendations_ensure(snapshot, newest)
    sql = f"""
        SELECT customer_id, place, product_id, category FROM {RECOMMENDATIONS} JOIN {TABLE} USING ({KEY})
        WHERE place <= $2 AND customer_id IN (SELECT unnest($1::VARCHAR[])) ORDER BY place"""
    places: dict[str, list[Recommendation]] = {customer_id: [] for customer_id in ids}
    with snapshot.open_session(SECONDS) as session:
        session.load_recommendations(path)
        for row in session.read_rows(sql, [list(ids), count]):
            places[row.pop("customer_id")].append(Recommendation(**row))
    return [RecommendedList(*each) for each in places.items()]


def customer_ids_get_after(snapshot: Snapshot, after: str, limit: int) -> list[str]:
    """Ids of all customers of the snapshot, in order."""
    rows = snapshot.read_rows(f"SELECT customer_id FROM {TABLE} WHERE customer_id > $1 ORDER BY {KEY} LIMIT $2", [after, limit])
    return [row["customer_id"] for row in rows]


def list_names_get(lists: Sequence[RecommendedList]) -> Names:
    """The names of all products and categories in these lists."""
    places = [place for each in lists for place in each.places]
    return names_get(products=(place.product_id for place in places), categories=(place.category for place in places))

"""RFM groups and lifecycle stages: what they mean, what to do with them, how large they are and how they changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from cdp.metrics.rfm import EARLIER_GROUPS, RFM_GROUPS, SCORES
from cdp_web.customers.advice import GROUP_ADVICE, Advice
from cdp_web.customers.links import link_to_customers
from cdp_web.segments.starter_rules import Node, all_of, any_of, compare


@dataclass(frozen=True, slots=True)
class RfmCell:
    """Customers with the same three scores."""

    recency: int
    frequency: int
    monetary: int
    group: str
    customers: int
    revenue: Decimal

    @property
    def worth(self) -> int:
        """The mean of frequency and money, half up."""
        return (self.frequency + self.monetary + 1) // 2


@dataclass(frozen=True, slots=True)
class GridCell:
    """A place of the grid: recency against worth."""

    recency: int
    worth: int
    group: str
    customers: int
    revenue: Decimal
    link: str

    @property
    def revenue_per_customer(self) -> Decimal | None:
        return self.revenue / self.customers if self.customers else None


@dataclass(frozen=True, slots=True)
class Flow:
    """Customers who were in one group and are in another now; an empty text is no order yet."""

    source: str
    target: str
    customers: int


@dataclass(frozen=True, slots=True)
class GroupRow:
    name: str
    advice: Advice
    customers: int
    customers_share: float | None
    revenue: Decimal
    revenue_share: float | None
    change_day: int
    change_month: int
    link: str

    @property
    def title(self) -> str:
        return get_title(self.name)


def get_title(group: str) -> str:
    """The name of a group in the language of the reader."""
    return str(GROUP_ADVICE[group].title if group else _("No order"))


def build_grid(cells: Iterable[RfmCell]) -> list[GridCell]:
    """All 25 places, from the lowest recency and worth."""
    by_place: dict[tuple[int, int], list[RfmCell]] = {}
    for cell in cells:
        by_place.setdefault((cell.recency, cell.worth), []).append(cell)
    return [_build_place(recency, worth, by_place.get((recency, worth), [])) for recency in SCORES for worth in SCORES]


def _build_place(recency: int, worth: int, cells: Sequence[RfmCell]) -> GridCell:
    return GridCell(
        recency,
        worth,
        find_group(recency, worth),
        sum(cell.customers for cell in cells),
        sum((cell.revenue for cell in cells), Decimal(0)),
        link_to_customers(build_place_rule(recency, worth)),
    )


def find_group(recency: int, worth: int) -> str:
    return next(
        group.name
        for group in RFM_GROUPS
        if group.recency[0] <= recency <= group.recency[1] and group.worth[0] <= worth <= group.worth[1]
    )


def build_place_rule(recency: int, worth: int) -> Node:
    """The rule of a place: its recency, and every pair of frequency and money with this mean."""
    pairs = [
        all_of(compare("frequency_score", "eq", frequency), compare("monetary_score", "between", [scores[0], scores[-1]]))
        for frequency in SCORES
        if (scores := [money for money in SCORES if (frequency + money + 1) // 2 == worth])
    ]
    return all_of(compare("recency_score", "eq", recency), any_of(*pairs))


def build_groups(cells: Iterable[RfmCell], flows: Mapping[str, Sequence[Flow]]) -> list[GroupRow]:
    """The eleven groups in the catalogue's order; `flows` has those since `day` and since `month`."""
    by_group: dict[str, list[RfmCell]] = {}
    for cell in cells:
        by_group.setdefault(cell.group, []).append(cell)
    everyone = [cell for group in by_group.values() for cell in group]
    buyers, revenue = sum(cell.customers for cell in everyone), sum((cell.revenue for cell in everyone), Decimal(0))
    return [_build_group(group.name, by_group.get(group.name, []), buyers, revenue, flows) for group in RFM_GROUPS]


def _build_group(
    name: str, cells: Sequence[RfmCell], buyers: int, all_revenue: Decimal, flows: Mapping[str, Sequence[Flow]]
) -> GroupRow:
    customers, revenue = sum(cell.customers for cell in cells), sum((cell.revenue for cell in cells), Decimal(0))
    return GroupRow(
        name,
        GROUP_ADVICE[name],
        customers,
        customers / buyers if buyers else None,
        revenue,
        float(revenue / all_revenue) if all_revenue > 0 else None,
        compute_change(flows["day"], name),
        compute_change(flows["month"], name),
        link_to_customers(compare("rfm_group", "eq", name)),
    )


def compute_change(flows: Sequence[Flow], name: str) -> int:
    """Customers who entered the group less those who left it."""
    return sum(flow.customers * ((flow.target == name) - (flow.source == name)) for flow in flows)


def list_moves(flows: Iterable[Flow]) -> list[Flow]:
    """Customers who changed their group, the most first. First orders are no moves: these customers had no group."""
    moves = [flow for flow in flows if flow.source and flow.source != flow.target]
    return sorted(moves, key=lambda flow: (-flow.customers, flow.source, flow.target))


def count_first_orders(flows: Iterable[Flow]) -> int:
    return sum(flow.customers for flow in flows if not flow.source and flow.target)


def link_first_orders(since: str) -> str:
    earlier, now = EARLIER_GROUPS[since].key, "rfm_group"
    return link_to_customers(all_of(_is_group(earlier, ""), {"metric": {"field": now, "operator": "is_set"}}))


def link_flow(flow: Flow, since: str) -> str:
    return link_to_customers(all_of(_is_group(EARLIER_GROUPS[since].key, flow.source), _is_group("rfm_group", flow.target)))


def _is_group(field: str, name: str) -> Node:
    return compare(field, "eq", name) if name else {"metric": {"field": field, "operator": "is_not_set"}}

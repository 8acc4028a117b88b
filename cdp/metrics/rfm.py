"""Recency, frequency and money: scores from 1 to 5 by the customer's rank among all who have ordered, and the eleven groups.

A score is 1 + floor(5 * worse / buyers): `buyers` is the number of customers with an order up to the published day, and `worse`
the number of them with a strictly worse value. So equal values have equal scores, whatever the order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from cdp.metrics.groups import STATUS
from cdp.metrics.metric import Metric

BANDS = 5
SCORES = range(1, BANDS + 1)


@dataclass(frozen=True, slots=True)
class RfmGroup:
    """Customers whose recency score and worth (the mean of the other two scores) are in these ranges, ends included."""

    name: str
    recency: tuple[int, int]
    worth: tuple[int, int]
    about: str


#: Every pair of recency and worth lies in exactly one of them.
RFM_GROUPS: tuple[RfmGroup, ...] = (
    RfmGroup("Champions", (5, 5), (4, 5), "bought just now, often and for much"),
    RfmGroup("Loyal", (3, 4), (4, 5), "buy often and for much, and not long ago"),
    RfmGroup("Potential loyalists", (4, 5), (2, 3), "bought recently, more than once or for more than a little"),
    RfmGroup("New customers", (5, 5), (1, 1), "bought just now, and little so far"),
    RfmGroup("Promising", (4, 4), (1, 1), "bought recently, and little so far"),
    RfmGroup("Need attention", (3, 3), (3, 3), "middling in all three"),
    RfmGroup("About to sleep", (3, 3), (1, 2), "bought little, some time ago"),
    RfmGroup("At risk", (2, 2), (3, 5), "good customers who have not bought for a long time"),
    RfmGroup("Cannot lose them", (1, 1), (4, 5), "once among the best, absent the longest"),
    RfmGroup("Hibernating", (2, 2), (1, 2), "bought little, long ago"),
    RfmGroup("Lost", (1, 1), (1, 3), "absent the longest, and never among the best"),
)
#: The mean of the two scores, half up.
WORTH = "(frequency_score + monetary_score + 1) div 2"


def _build_score(key: str, title: str, about: str, sql: str) -> Metric:
    return Metric(
        key,
        "integer",
        STATUS,
        title,
        f"{about}, compared with all who have ordered: 1 to 5, 5 is best; missing without an order.",
        "scores",
        sql,
        "score",
    )


def _build_group_sql() -> str:
    cases = (
        f"WHEN recency_score BETWEEN {g.recency[0]} AND {g.recency[1]} AND {WORTH} BETWEEN {g.worth[0]} AND {g.worth[1]} THEN '{g.name}'"
        for g in RFM_GROUPS
    )
    return f"CASE {' '.join(cases)} END"


SCORE_METRICS: tuple[Metric, ...] = (
    _build_score("recency_score", "Recency score (R)", "How recently the latest order was placed", "-datediff({as_of}, last_order)"),
    _build_score("frequency_score", "Frequency score (F)", "How many orders", "nullif(total_purchase, 0)"),
    _build_score(
        "monetary_score", "Money score (M)", "Money spent less money refunded",
        "CASE WHEN total_purchase > 0 THEN total_purchase_value END",
    ),
)  # fmt: skip

#: The metrics that the scores read.
TOTALS = ("last_order", "total_purchase", "total_purchase_value")

RFM_GROUP = Metric(
    "rfm_group", "text", STATUS, "RFM group",
    "One of eleven groups by recency and by the mean of frequency and money; missing without an order.",
    "derived", _build_group_sql(), choices=tuple(group.name for group in RFM_GROUPS),
)  # fmt: skip


def _build_earlier_group(days: int, when: str) -> Metric:
    return Metric(
        f"rfm_group_{days}d_ago", "text", STATUS, f"RFM group {when}",
        f"The RFM group as it was {when}, compared with all who had ordered by then; missing without an order by then.",
        "earlier", RFM_GROUP.key, choices=RFM_GROUP.choices, days_ago=days,
    )  # fmt: skip


#: The earlier days that RFM groups are compared with.
EARLIER_GROUPS = {"day": _build_earlier_group(1, "a day before"), "month": _build_earlier_group(30, "30 days before")}
EARLIER_DAYS = tuple(metric.days_ago for metric in EARLIER_GROUPS.values())

RFM_METRICS: tuple[Metric, ...] = (RFM_GROUP, *EARLIER_GROUPS.values(), *SCORE_METRICS)

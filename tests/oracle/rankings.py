"""Metrics that need more than the counts of one customer: favourites, whose ties are broken by name, and RFM scores, which
are ranks among all customers."""

from __future__ import annotations

FAVOURITES = tuple(f"favourite_{item}_by_{by}" for item in ("category", "brand") for by in ("views", "money"))
#: The most of one, then the most of the other, then the first name.
_ORDER = {"views": "views DESC, money DESC, name", "money": "money DESC, views DESC, name"}


def _build_favourite(item: str, by: str) -> str:
    return f"""favourite_{item}_by_{by} AS (
        SELECT user_id, name AS favourite_{item}_by_{by} FROM (
            SELECT user_id, {item} AS name, count(*) FILTER (event_type = 'view') AS views, coalesce(sum(money), 0) AS money
            FROM known WHERE {item} IS NOT NULL GROUP BY ALL)
        WHERE {by} > 0 QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY {_ORDER[by]}) = 1)"""


_EACH = ", ".join(_build_favourite(item, by) for item in ("category", "brand") for by in ("views", "money"))
_JOINED = " ".join(f"LEFT JOIN {name} USING (user_id)" for name in FAVOURITES)
FAVOURITES_SQL = f"{_EACH}, favourites AS (SELECT user_id, {', '.join(FAVOURITES)} FROM counted {_JOINED})"

#: A row per recency score, from the lowest; in it a group per mean of frequency and money score, from the lowest.
GRID = (
    ("Lost", "Lost", "Lost", "Cannot lose them", "Cannot lose them"),
    ("Hibernating", "Hibernating", "At risk", "At risk", "At risk"),
    ("About to sleep", "About to sleep", "Need attention", "Loyal", "Loyal"),
    ("Promising", "Potential loyalists", "Potential loyalists", "Loyal", "Loyal"),
    ("New customers", "Potential loyalists", "Potential loyalists", "Champions", "Champions"),
)
DAYS_AGO = (1, 30)
EARLIER = tuple(f"rfm_group_{days}d_ago" for days in DAYS_AGO)
RFM = ("recency_score", "frequency_score", "monetary_score", "rfm_group", *EARLIER)


def _score(value: str) -> str:
    """The score by rank: one more than the number of worse values, so equal values have the same rank."""
    return f"1 + 5 * (rank() OVER (ORDER BY {value}) - 1) // count(*) OVER ()"


def _build_rfm(name: str, totals: str) -> str:
    """Scores and group of all customers with orders, from `last_order`, `total_purchase` and `total_purchase_value`."""
    return f"""
        scores_{name} AS (
            SELECT user_id, {_score("last_order")} AS recency_score, {_score("total_purchase")} AS frequency_score,
                {_score("total_purchase_value")} AS monetary_score
            FROM ({totals}) WHERE total_purchase > 0),
        {name} AS (
            SELECT *, CAST(ceil((frequency_score + monetary_score) / 2) AS INTEGER) AS worth,
                {[list(row) for row in GRID]}[recency_score][worth] AS rfm_group
            FROM scores_{name})"""


def _build_earlier(days: int) -> str:
    """The groups as of an earlier day: from the orders and all money up to that day."""
    totals = f"""SELECT user_id, max(day) AS last_order, count(*) AS total_purchase, any_value(net) AS total_purchase_value
        FROM orders JOIN (SELECT user_id, sum(money) AS net FROM known WHERE day <= $as_of - {days} GROUP BY user_id)
            USING (user_id)
        WHERE day <= $as_of - {days} GROUP BY user_id"""
    return f"""{_build_rfm(f"rfm_{days}d_ago", totals)},
        earlier_{days} AS (SELECT user_id, rfm_group AS rfm_group_{days}d_ago FROM rfm_{days}d_ago)"""


_NOW = _build_rfm("rfm_now", "SELECT * FROM counted")
_BEFORE = ", ".join(_build_earlier(days) for days in DAYS_AGO)
_WITH_BEFORE = " ".join(f"LEFT JOIN earlier_{days} USING (user_id)" for days in DAYS_AGO)
#: A customer who had a group earlier still has one.
RFM_SQL = f"{_NOW}, {_BEFORE}, rfm AS (SELECT * EXCLUDE (worth) FROM rfm_now {_WITH_BEFORE})"

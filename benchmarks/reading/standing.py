"""What needs more than one customer's counts: favourites by an order of names, and scores by a rank among customers."""

from __future__ import annotations

FAVOURITES = tuple(f"favourite_{thing}_by_{by}" for thing in ("category", "brand") for by in ("views", "money"))
#: Most of the one, then most of the other, then the first name.
_FIRST = {"views": "views DESC, money DESC, name", "money": "money DESC, views DESC, name"}


def _favourite(thing: str, by: str) -> str:
    return f"""favourite_{thing}_by_{by} AS (
        SELECT user_id, name AS favourite_{thing}_by_{by} FROM (
            SELECT user_id, {thing} AS name, count(*) FILTER (event_type = 'view') AS views, coalesce(sum(money), 0) AS money
            FROM known WHERE {thing} IS NOT NULL GROUP BY ALL)
        WHERE {by} > 0 QUALIFY row_number() OVER (PARTITION BY user_id ORDER BY {_FIRST[by]}) = 1)"""


_EACH = ", ".join(_favourite(thing, by) for thing in ("category", "brand") for by in ("views", "money"))
_JOINED = " ".join(f"LEFT JOIN {name} USING (user_id)" for name in FAVOURITES)
FAVOURITES_SQL = f"{_EACH}, favourites AS (SELECT user_id, {', '.join(FAVOURITES)} FROM counted {_JOINED})"

#: From the lowest recency score to the highest; in each from the lowest mean of frequency and money to the highest.
GRID = (
    ("Lost", "Lost", "Lost", "Cannot lose them", "Cannot lose them"),
    ("Hibernating", "Hibernating", "At risk", "At risk", "At risk"),
    ("About to sleep", "About to sleep", "Need attention", "Loyal", "Loyal"),
    ("Promising", "Potential loyalists", "Potential loyalists", "Loyal", "Loyal"),
    ("New customers", "Potential loyalists", "Potential loyalists", "Champions", "Champions"),
)
DAYS_AGO = (1, 30)
EARLIER = tuple(f"rfm_group_{days}d_ago" for days in DAYS_AGO)
STANDING = ("recency_score", "frequency_score", "monetary_score", "rfm_group", *EARLIER)


def _score(value: str) -> str:
    """Who has the same value has the same rank: one more than there are worse ones."""
    return f"1 + 5 * (rank() OVER (ORDER BY {value}) - 1) // count(*) OVER ()"


def _standing(name: str, totals: str) -> str:
    """Scores and group of all who have ordered, from their `last_order`, `total_purchase` and `total_purchase_value`."""
    return f"""
        scores_{name} AS (
            SELECT user_id, {_score("last_order")} AS recency_score, {_score("total_purchase")} AS frequency_score,
                {_score("total_purchase_value")} AS monetary_score
            FROM ({totals}) WHERE total_purchase > 0),
        {name} AS (
            SELECT *, CAST(ceil((frequency_score + monetary_score) / 2) AS INTEGER) AS worth,
                {[list(row) for row in GRID]}[recency_score][worth] AS rfm_group
            FROM scores_{name})"""


def _earlier(days: int) -> str:
    """As it was then: from the orders, a row each, and all money up to then."""
    totals = f"""SELECT user_id, max(day) AS last_order, count(*) AS total_purchase, any_value(net) AS total_purchase_value
        FROM orders JOIN (SELECT user_id, sum(money) AS net FROM known WHERE day <= $as_of - {days} GROUP BY user_id)
            USING (user_id)
        WHERE day <= $as_of - {days} GROUP BY user_id"""
    return f"""{_standing(f"standing_{days}d_ago", totals)},
        earlier_{days} AS (SELECT user_id, rfm_group AS rfm_group_{days}d_ago FROM standing_{days}d_ago)"""


_NOW = _standing("standing_now", "SELECT * FROM counted")
_BEFORE = ", ".join(_earlier(days) for days in DAYS_AGO)
_WITH_BEFORE = " ".join(f"LEFT JOIN earlier_{days} USING (user_id)" for days in DAYS_AGO)
#: Whoever had a group has one still.
STANDING_SQL = f"{_NOW}, {_BEFORE}, standing AS (SELECT * EXCLUDE (worth) FROM standing_now {_WITH_BEFORE})"

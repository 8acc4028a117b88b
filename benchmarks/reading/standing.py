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
STANDING = ("recency_score", "frequency_score", "monetary_score", "rfm_group")


def _score(value: str) -> str:
    """Who has the same value has the same rank: one more than there are worse ones."""
    return f"1 + 5 * (rank() OVER (ORDER BY {value}) - 1) // count(*) OVER ()"


STANDING_SQL = f"""
scores AS (
    SELECT user_id, {_score("last_order")} AS recency_score, {_score("total_purchase")} AS frequency_score,
        {_score("total_purchase_value")} AS monetary_score
    FROM counted WHERE total_purchase > 0),
standing AS (
    SELECT *, CAST(ceil((frequency_score + monetary_score) / 2) AS INTEGER) AS worth,
        {[list(row) for row in GRID]}[recency_score][worth] AS rfm_group
    FROM scores)
"""

"""SQL for every row of the tables that charts read: tables of days from the table `events`, tables as of a day also from `again`,
which has the customers' metrics as of that day.

A category or brand that the events don't name is an empty text. An order belongs to one customer and one day.
"""

from __future__ import annotations

from datetime import date

ORDER = "event_type = 'purchase'"
#: Events of other types than purchase and refund have no money.
_MONEY = f"coalesce(sum(money) FILTER ({ORDER}), 0) AS gross_revenue, coalesce(sum(money), 0) AS revenue"
_COUNTED = f"""
    count(*) FILTER (event_type = 'view') AS views, count(*) FILTER (event_type = 'cart') AS carts,
    count(*) FILTER (event_type = 'remove_from_cart') AS removals, count(*) FILTER (event_type = 'refund') AS refunds,
    count(DISTINCT user_id) AS customers, count(DISTINCT user_id) FILTER ({ORDER}) AS buyers,
    count(DISTINCT (user_id, bought_in)) FILTER ({ORDER}) AS orders,
    coalesce(sum(units) FILTER ({ORDER}), 0) AS items, {_MONEY}
"""
_LEVELS = "array_to_string(list_filter(coalesce(code, [])[1:level], lambda part: part <> ''), '.')"
#: A row per order and day.
_ORDERS = f"""
    SELECT day, user_id, bought_in, min(hour(moment)) AS first_hour, sum(money) AS value FROM events WHERE {ORDER} GROUP BY ALL
"""
_RANGES = [0, *(int(f"{digit}{'0' * zeros}") for zeros in range(9) for digit in "125"), 1_000_000_000]

#: Tables with rows for every day that has events.
OF_DAYS = {
    "product_day": f"""
        SELECT day, product_id, coalesce(category, '') AS category, coalesce(brand, '') AS brand, {_COUNTED}
        FROM events GROUP BY ALL""",
    "category_day": f"""
        SELECT day, level, {_LEVELS} AS category, {_COUNTED}
        FROM events, (VALUES (1), (2), (3)) levels (level) GROUP BY ALL""",
    "brand_day": f"SELECT day, coalesce(brand, '') AS brand, {_COUNTED} FROM events GROUP BY ALL",
    "hour_day": f"""
        SELECT day, hour(moment) AS hour, count(*) AS events, count(DISTINCT user_id) AS customers,
            count(*) FILTER (event_type = 'view') AS views, count(*) FILTER (event_type = 'cart') AS carts,
            count(*) FILTER (event_type = 'remove_from_cart') AS removals,
            count(*) FILTER (event_type = 'refund') AS refunds,
            (SELECT count(*) FROM ({_ORDERS}) o WHERE o.day = e.day AND o.first_hour = hour(e.moment)) AS orders,
            coalesce(sum(units) FILTER ({ORDER}), 0) AS items, {_MONEY}
        FROM events e GROUP BY ALL""",
    "order_value_day": f"""
        SELECT day, low AS from_value, high AS to_value, count(*) AS orders, sum(value) AS revenue
        FROM ({_ORDERS}) JOIN (SELECT low, lead(low) OVER (ORDER BY low) AS high FROM (SELECT unnest({_RANGES}) AS low))
            ON value >= low AND (high IS NULL OR value < high)
        GROUP BY ALL""",
}

#: Tables as of the day `$as_of`.
AS_OF = {
    "cohort_month": f"""
        WITH known AS (SELECT *, CAST(date_trunc('month', day) AS DATE) AS month FROM events WHERE day <= $as_of),
        cohorts AS (SELECT user_id, CAST(date_trunc('month', min(day)) AS DATE) AS cohort FROM known GROUP BY user_id)
        SELECT cohort, month, count(DISTINCT user_id) AS customers, count(DISTINCT user_id) FILTER ({ORDER}) AS buyers,
            count(DISTINCT (user_id, day, bought_in)) FILTER ({ORDER}) AS orders, coalesce(sum(money), 0) AS revenue
        FROM known JOIN cohorts USING (user_id) GROUP BY cohort, month""",
    "rfm_day": """
        SELECT $as_of AS day, recency_score, frequency_score, monetary_score, rfm_group, count(*) AS customers,
            sum(gross_purchase_value) AS gross_revenue, sum(total_purchase_value) AS revenue
        FROM again WHERE total_purchase > 0 GROUP BY ALL""",
    "rfm_flow": """
        SELECT $as_of AS day, since, coalesce(before, '') AS from_group, coalesce(rfm_group, '') AS to_group,
            count(*) AS customers
        FROM (SELECT 'day' AS since, rfm_group_1d_ago AS before, rfm_group FROM again
            UNION ALL SELECT 'month', rfm_group_30d_ago, rfm_group FROM again)
        GROUP BY ALL""",
}
READ_TABLES = (*OF_DAYS, *AS_OF)


def table_sql(name: str, as_of: date) -> str:
    """SQL for the rows of the table after the night of this day."""
    if name in AS_OF:
        return AS_OF[name].replace("$as_of", f"DATE '{as_of}'")
    return f"SELECT * FROM ({OF_DAYS[name]}) WHERE day <= DATE '{as_of}'"

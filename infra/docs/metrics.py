"""docs/metrics.md, from the catalogue of metrics."""

from __future__ import annotations

from cdp.metrics import GROUPS, METRICS, Metric, MetricGroup, Stage, metrics_of
from cdp.metrics.rfm import BANDS, RFM_GROUPS, SCORES
from cdp.settings import REPOSITORY

MARKDOWN_FILE = REPOSITORY / "docs" / "metrics.md"
_STAGES: dict[Stage, str] = {
    "days": "days", "things": "things", "account": "account", "scores": "score of", "earlier": "earlier", "derived": "metrics",
}  # fmt: skip

HEAD = f"""\
# Metrics

The {len(METRICS)} metrics of each customer, and how each is computed. Each metric is defined once in `cdp/metrics/`. That list
defines the columns of `/cdp/customers`, the document in MongoDB, the fields of the rule builder, the export and the API. It
also generates this page: `.venv/bin/python -m infra.docs`.

- All metrics are as of the end of the published day, in UTC, except those of the group [Account](#account). A window of 7 days is
  that day and the 6 before it.
- A metric that does not apply to a customer is **missing**, not 0; for example the average order of a customer without an
  order. In a rule, a comparison with a missing value is false; test for it with `has no value`.
- Orders and sessions belong to a customer and a day: see [orders and sessions](pipeline.md#orders-and-sessions).
- Shares and means are decimals, rounded half up: to six places, money to the cent. A share of 0.25 is shown as 25.0%.
- Texts are compared by character code, so capitals come before small letters, and é comes after z.

The column *computed* shows Spark SQL, in which `{{as_of}}` is the published day. Its first word says what the SQL is computed
from:

| first word | computed from |
|---|---|
| {_STAGES["days"]} | the customer's rows of `customer_day` up to the day |
| {_STAGES["things"]} | a row for each product, category (three levels) and brand in the customer's `interactions` up to the day |
| {_STAGES["account"]} | the customer's [account](pipeline.md#accounts): a row of the shop's database, with sums |
| {_STAGES["scores"]} | the rank of this value among all customers: see [scores](#scores-and-rfm-groups) |
| {_STAGES["earlier"]} | the same metric, some days before the published day |
| {_STAGES["derived"]} | the customer's other metrics |
"""

SCORES_HEAD = f"""\
## Scores and RFM groups

A score is **1 + ⌊{BANDS} · w / n⌋**. *n* is the number of customers with an order up to the published day. *w* is the number of
these customers with a strictly worse value: an earlier last order, fewer orders, less money.

- Customers with the same value have the same score. The order of rows does not matter, and a second run gives the same result.
- Without ties, each score has a fifth of the buyers. Tied customers all get the score of the lowest rank among them: if most
  customers have ordered once, these have a frequency score of 1.
- The scores compare the customers of one shop on one day. With fewer than {BANDS} buyers nobody has a {BANDS}.
- A customer without an order has no score and no group.

The group follows from the recency score and from **worth**, the mean of the frequency score and the money score, rounded half
up. Every pair is in exactly one group:
"""


def metrics_markdown() -> str:
    """The page of all metrics: a table a heading."""
    lines = [HEAD]
    for group in GROUPS:
        lines += _table(group)
    lines += [SCORES_HEAD, *_grid(), "", "| group | recency score | worth | customers |", "|---|---|---|---|"]
    lines += [f"| {g.name} | {_range(g.recency)} | {_range(g.worth)} | {g.about} |" for g in RFM_GROUPS]
    return "\n".join(lines) + "\n"


def _table(group: MetricGroup) -> list[str]:
    head = [
        f"## {group.title}",
        "",
        group.about,
        "",
        "| metric | title | kind | shown as | meaning | computed |",
        "|---|---|---|---|---|---|",
    ]
    return [*head, *(_row(metric) for metric in metrics_of(group)), ""]


def _row(metric: Metric) -> str:
    cells = (f"`{metric.key}`", metric.title, metric.kind, metric.shown, metric.about, _computed(metric))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _computed(metric: Metric) -> str:
    if metric.key == "rfm_group":
        return "by [the table](#scores-and-rfm-groups)"
    days = f", {metric.days_ago} day{'s' * (metric.days_ago > 1)} before" if metric.days_ago else ""
    return f"{_STAGES[metric.stage]} `{metric.sql}`{days}"


def _grid() -> list[str]:
    """Recency downwards from the best, worth to the right."""
    rows = [f"| **{recency}** | {' | '.join(_group_of(recency, worth) for worth in SCORES)} |" for recency in reversed(SCORES)]
    return [f"| recency ↓ worth → | {' | '.join(str(worth) for worth in SCORES)} |", "|---" * (BANDS + 1) + "|", *rows]


def _group_of(recency: int, worth: int) -> str:
    (name,) = (
        group.name
        for group in RFM_GROUPS
        if group.recency[0] <= recency <= group.recency[1] and group.worth[0] <= worth <= group.worth[1]
    )
    return name


def _range(ends: tuple[int, int]) -> str:
    low, high = ends
    return str(low) if low == high else f"{low} to {high}"

"""docs/metrics.md, from the catalogue of metrics."""

from __future__ import annotations

from cdp.metrics import GROUPS, METRICS, Metric, MetricGroup, Stage, metrics_of
from cdp.metrics.rfm import BANDS, RFM_GROUPS, SCORES
from cdp.settings import REPOSITORY

MARKDOWN_FILE = REPOSITORY / "docs" / "metrics.md"
_STAGES: dict[Stage, str] = {"days": "days", "things": "things", "scores": "place of", "earlier": "as it was", "derived": "then"}

HEAD = f"""\
# Metrics

What is known of every customer: {len(METRICS)} metrics, each written once in `cdp/metrics/`. The same list makes the columns of
`/cdp/customers`, the document in MongoDB, the fields of the rule builder, the export and the API. This page is written from it by
`.venv/bin/python -m infra.docs`.

- Everything is as of the end of the published day, in UTC. A window of 7 days is that day and the 6 before it.
- A metric that makes no sense of a customer is **missing**, not 0: an average order without an order. In a rule a comparison with
  a missing value is false; `has no value` asks for it.
- Orders and sessions belong to a customer and a day, as the [night](pipeline.md#the-night) says.
- Shares and means are decimals, rounded half up: to six places, money to the cent. A share of 0.25 is shown as 25.0%.
- Texts are compared by the codes of their letters, so that capitals come before small letters, and é after z.

How each is computed is Spark's SQL, `{{as_of}}` being the published day:

| begins with | is computed over |
|---|---|
| {_STAGES["days"]} | the customer's rows of `customer_day` up to the day |
| {_STAGES["things"]} | a row for each product, category (three levels) and brand in the customer's `interactions` up to the day |
| {_STAGES["scores"]} | the expression of all customers: see [scores](#scores-and-rfm-groups) |
| {_STAGES["earlier"]} | the metric of that name, so many days before the published one |
| {_STAGES["derived"]} | the customer's other metrics |
"""

SCORES_HEAD = f"""\
## Scores and RFM groups

A score is **1 + ⌊{BANDS} · w / n⌋**. There are *n* customers with an order up to the published day, and *w* of them have a
strictly worse value: an earlier last order, fewer orders, less money. So:

- Customers with the same value have the same score; no order of rows and no second run changes it.
- Without ties each score holds a fifth of the buyers. With ties all go with the lowest place among them: where most have ordered
  once, those have a frequency score of 1.
- The scores compare the customers of one shop on one day. With fewer than {BANDS} buyers nobody has a {BANDS}.
- Without an order there is no score and no group.

The group follows from the recency score and from **worth**, the mean of the frequency and the money score, half up. Every pair
is in exactly one group:
"""


def metrics_markdown() -> str:
    """The page of all metrics: a table a heading."""
    lines = [HEAD]
    for group in GROUPS:
        lines += _table(group)
    lines += [SCORES_HEAD, *_grid(), "", "| group | recency score | worth | they |", "|---|---|---|---|"]
    lines += [f"| {g.name} | {_range(g.recency)} | {_range(g.worth)} | {g.about} |" for g in RFM_GROUPS]
    return "\n".join(lines) + "\n"


def _table(group: MetricGroup) -> list[str]:
    head = [
        f"## {group.title}",
        "",
        group.about,
        "",
        "| metric | title | kind | shown as | says | computed |",
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

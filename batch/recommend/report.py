"""An evaluation as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TITLES = {
    "for_you": "for you: products that the customer has not seen",
    "buy_again": "buy again: products that the customer has had",
    "goes_with": "goes with: the next product of a visit",
}
_SHARES = ("coverage", "top_percent", "served")


def describe(version: str, evaluation: Mapping[str, Any]) -> Iterator[str]:
    """What was measured, then each check of each model with its reason, then what serves."""
    yield f"{version}: learned up to {evaluation['learned_to']}, tested on the days up to {evaluation['day']}"
    yield (
        f"{evaluation['customers']:,} customers, {evaluation['visits']:,} steps of visits;"
        f" {evaluation['unknown_share']:.0%} of the customers of these days had no history"
    )
    for key, title in _TITLES.items():
        yield ""
        yield from _describe_measures(title, evaluation[key])
    for name, checks in evaluation["gate"].items():
        yield ""
        yield f"{name}: {'passes' if all(check['passed'] for check in checks) else 'is refused'}"
        for check in checks:
            yield f"  {'ok  ' if check['passed'] else 'FAIL'}  {check['name']}: {check['reason']}"
    yield ""
    yield describe_outcome(version, evaluation)


def describe_outcome(version: str, evaluation: Mapping[str, Any]) -> str:
    serves = evaluation["serves"]
    if evaluation["promoted"]:
        return f"{version} is the champion: {serves['for_you']} for customers, {serves['goes_with']} for products"
    return f"{version} is not promoted: no model of it passes. The champion stays; without one, popular-in-category serves"


def _describe_measures(title: str, measures: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    columns = list(next(iter(measures.values()), {}))
    yield f"{title:<52}" + "".join(f"{column:>14}" for column in columns)
    for name, values in measures.items():
        yield f"  {name:<50}" + "".join(f"{_format(column, values[column]):>14}" for column in columns)


def _format(column: str, value: float) -> str:
    return f"{value:.1%}" if column in _SHARES else f"{value:.2f}" if column == "novelty_bits" else f"{value:.4f}"

"""The facts of the catalogue in the language of the request. `cdp` has metrics, events and rules in English; `list_texts` is what
the catalogues of translations take from there. Titles and choices of metrics come from `cdp.metrics`, which rule sentences use
too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.functional import lazy
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext

from cdp.events import REASONS, TYPES
from cdp.metrics import BY_KEY, GROUPS, METRICS, Metric, MetricGroup
from cdp.metrics.vietnamese import VIETNAMESE_CHOICES, VIETNAMESE_TITLES
from cdp.rules import Language, describe_behaviours, describe_recommended, list_catalogue
from cdp.rules.behaviours import EVENT_FIELDS, EVENT_TITLES, MEASURES, WEEKDAYS, EventField, Measure
from cdp.rules.operators import OPERATORS, Operator
from cdp.rules.recommended import RECOMMENDED_KINDS, RecommendedKind
from cdp.rules.windows import WINDOW_KINDS, WindowKind

_TITLES: Mapping[Language, Mapping[str, str]] = {"vi": VIETNAMESE_TITLES}
_CHOICES: Mapping[Language, Mapping[str, str]] = {"vi": VIETNAMESE_CHOICES}
#: Keys of the builder's data whose values people read.
_TEXTS = ("title", "label", "about", "group")


def get_rule_language() -> Language:
    """The language of a page: of its rules, and of its numbers and days."""
    return "vi" if (get_language() or "").startswith("vi") else "en"


def list_texts() -> Iterator[str]:
    """Every English text of the catalogue that pages show, except titles and choices of metrics; some more than once."""
    for metric in METRICS:
        yield metric.about
    parts: tuple[MetricGroup | EventField | Measure | RecommendedKind, ...] = (
        *GROUPS, *EVENT_FIELDS, *MEASURES, *RECOMMENDED_KINDS
    )  # fmt: skip
    for part in parts:
        yield from (part.title, part.about)
    kinds: tuple[Operator | WindowKind, ...] = (*OPERATORS, *WINDOW_KINDS)
    for kind in kinds:
        yield from (kind.label, kind.about)
    yield from (each.title for each in TYPES)
    yield from (*EVENT_TITLES.values(), *WEEKDAYS)
    yield from (reason.says for reason in REASONS)


def localize(text: str) -> str:
    return gettext(text) if text else ""


def get_title(metric: Metric) -> str:
    return _TITLES.get(get_rule_language(), {}).get(metric.key, metric.title)


def get_title_in_group(metric: Metric) -> str:
    """The title without the window, which the heading already names."""
    title = get_title(metric)
    return title.rpartition(", ")[0] if metric.window else title


def localize_choice(choice: str) -> str:
    """A word that a metric has as its value, such as a lifecycle. Other words stay as they are."""
    return _CHOICES.get(get_rule_language(), {}).get(choice, choice)


def _capitalize_choice(choice: str) -> str:
    return str(capfirst(localize_choice(choice)))


#: A choice as a heading, in the language of the request that shows it.
lazy_choice = lazy(_capitalize_choice, str)


def describe_builder() -> dict[str, Any]:
    """What a rule can say, for the rule builder. Choices stay English, because rules have them as values; their titles are
    beside them."""
    return {
        "catalogue": [_localize_metric(described) for described in list_catalogue()],
        "behaviours": _localize_data(describe_behaviours()),
        "recommended": _localize_data(describe_recommended()),
    }


def _localize_metric(described: dict[str, Any]) -> dict[str, Any]:
    titles = {"title": get_title(BY_KEY[described["key"]]), "choice_titles": list(map(localize_choice, described["choices"]))}
    return _localize_data(described) | titles


def _localize_data(data: Any) -> Any:
    if isinstance(data, list):
        return [_localize_data(each) for each in data]
    if not isinstance(data, dict):
        return data
    localized = {key: localize(value) if key in _TEXTS else _localize_data(value) for key, value in data.items()}
    if "weekdays" in data:
        localized["weekdays"] = list(map(localize, data["weekdays"]))
    return localized

"""Our template tags and filters: icons, and the formats of layout/formats.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import template
from django.template.base import Parser, Token
from django.templatetags.static import static
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from cdp.metrics import Metric
from cdp_web.charts.chart import Chart
from cdp_web.charts.csv import PARAMETER as CSV_PARAMETER
from cdp_web.layout import facts, formats
from cdp_web.serving.reports import CONTENT, KEY, content_remember

register = template.Library()


def _make_filter(format_value: Callable[[Any], str]) -> Callable[[Any], str]:
    """Turn a format into a filter: templates pass an empty text for a missing value."""
    return lambda value: format_value(None if value == "" else value)


for _format in (
    formats.count,
    formats.number,
    formats.month,
    formats.day_short,
    formats.count_short,
    formats.money,
    formats.money_short,
    formats.percent,
    formats.day,
    formats.moment,
    formats.duration,
):
    register.filter(_format.__name__, _make_filter(_format))

register.filter("localized", facts.localize)
register.filter("choice", facts.localize_choice)
register.filter("metric_title", facts.get_title)
register.filter("metric_title_in_group", facts.get_title_in_group)


@register.filter
def metric_value(value: object, metric: Metric) -> str:
    text = formats.metric_value(metric, value)
    return break_at_dots(text) if metric.shown == "text" else text


@register.filter
def break_at_dots(text: str) -> SafeString:
    """Allow line breaks between the levels of a category."""
    return mark_safe(conditional_escape(text).replace(".", ".<wbr>"))


@register.filter
def column_class(metric: Metric) -> str:
    """Right-align amounts and counts; keep words and days on one line."""
    return "nowrap" if metric.kind in ("text", "date") else "number"


@register.filter
def lookup(values: Mapping[str, Any], key: str) -> Any:
    """The value of a key that the template has in a variable; None if it is missing."""
    return values.get(key)


@register.filter
def svg_percent(share: float | None) -> str:
    """A share between 0 and 1 as a width in an SVG, which needs a decimal point."""
    return f"{min(max(float(share or 0), 0), 1) * 100:.2f}%"


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """An icon of the vendored set. The text beside it carries the meaning, so screen readers skip the icon."""
    sprite = static("vendor/lucide/sprite.svg")
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>', classes, sprite, name
    )


@register.simple_tag(takes_context=True)
def current_page(context: template.Context, place: str) -> SafeString:
    """Mark the current page in the navigation; `place` is a namespace, or the name of one page."""
    match = context["request"].resolver_match
    return mark_safe('aria-current="page"') if match and place in (match.app_name, match.view_name) else SafeString()


@register.inclusion_tag("charts/chart.html", takes_context=True)
def chart(context: template.Context, chart: Chart, classes: str = "") -> dict[str, Any]:
    """A card with the chart, its definition, its table and the address of its CSV."""
    parameters = context["request"].GET.copy()
    parameters[CSV_PARAMETER] = chart.key
    return {"chart": chart, "classes": classes, "csv": f"?{parameters.urlencode()}"}


@register.tag
def remember(parser: Parser, token: Token) -> RememberNode:
    """`{% remember %} … {% endremember %}`: the content of a report; see serving/reports.py."""
    nodes = parser.parse(("endremember",))
    parser.delete_first_token()
    return RememberNode(nodes)


class RememberNode(template.Node):
    def __init__(self, nodelist: template.NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: template.Context) -> str:
        if content := context.get(CONTENT):
            return str(content)
        content = self.nodelist.render(context)
        if key := context.get(KEY):
            content_remember(key, content)
        return content

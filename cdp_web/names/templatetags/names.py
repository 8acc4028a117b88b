"""Tags that show a customer, a product or a category by name, with its id or code small beside it or on hover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cdp.metrics import Metric
from cdp.rules.names import CODE_METRICS
from cdp_web.layout.templatetags.cdp import break_at_dots, metric_value
from cdp_web.names.people import Person
from cdp_web.names.selectors import Names

register = template.Library()


@register.inclusion_tag("names/customer.html")
def customer_link(customer_id: str, people: Mapping[str, Person], classes: str = "title") -> dict[str, Any]:
    return {"customer_id": customer_id, "person": people.get(customer_id), "classes": classes}


@register.simple_tag
def product(product_id: str, names: Names) -> SafeString:
    """The name as a link to the product's page with the id beside it, or the id alone."""
    link = product_link(product_id, names)
    return format_html('{} <span class="small muted mono">{}</span>', link, product_id) if product_id in names.products else link


@register.simple_tag
def product_link(product_id: str, names: Names, classes: str = "") -> SafeString:
    """The name, or the id without one, as a link to the product's page."""
    name, address = names.products.get(product_id), reverse("products:detail", args=[product_id])
    shown = name or format_html('<span class="mono">{}</span>', product_id)
    return format_html('<a class="{}" href="{}" title="{}">{}</a>', classes, address, product_id, shown)


@register.simple_tag
def category(code: str, names: Names) -> SafeString:
    name = names.categories.get(code)
    return format_html('<span title="{}">{}</span>', code, name) if name else break_at_dots(code)


@register.simple_tag
def named_value(value: Any, metric: Metric, names: Names) -> str:
    """The value of a metric, by name if it is a category."""
    if value and metric.key in CODE_METRICS:
        return category(str(value), names)
    return metric_value(value, metric)

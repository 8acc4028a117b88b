"""Our template filters."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cdp.metrics import BY_KEY
from cdp_web.layout.templatetags.cdp import metric_value


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("favourite_category_by_views", "electronics.smartphone", "electronics.<wbr>smartphone"),
        ("favourite_category_by_views", "a&b.<i>", "a&amp;b.<wbr>&lt;i&gt;"),
        ("favourite_category_by_views", None, "–"),
        ("total_purchase_value", Decimal("1234.5"), "$1,234.50"),
    ],
)
def test_texts_may_break_at_dots_but_amounts_may_not(key: str, value: object, text: str) -> None:
    assert metric_value(value, BY_KEY[key]) == text

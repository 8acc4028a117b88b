from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils.translation import override

from cdp.metrics import BY_KEY
from cdp_web.layout import formats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), ("0", "$0.00"), ("9999.99", "$9,999.99"), ("10000", "$10K"), ("239412.5", "$239.4K"),
        ("999949", "$999.9K"), ("999950", "$1M"), ("1234567", "$1.23M"), ("12345678", "$12.3M"), ("999999999", "$1B"),
        ("-45600", "-$45.6K"),
    ],
)  # fmt: skip
def test_money_short(value: str | None, text: str) -> None:
    assert formats.money_short(None if value is None else Decimal(value)) == text


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0, "0"), (99_999, "99,999"), (123_456, "123.5K"), (4_000_000, "4M")])
def test_count_short(value: int | None, text: str) -> None:
    assert formats.count_short(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.0, "0.0%"), (0.00001, "<0.1%"), (0.001, "0.1%"), (0.5, "50.0%"), (1.0, "100.0%")]
)
def test_percent_never_rounds_a_share_to_zero(value: float | None, text: str) -> None:
    assert formats.percent(value) == text


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("total_purchase_value", Decimal("1234.5"), "$1,234.50"), ("sessions", 1234, "1,234"),
        ("last_order", "2019-11-03", "3 Nov 2019"),
        ("last_order", date(2019, 11, 3), "3 Nov 2019"), ("lifecycle", "at risk", "at risk"), ("last_order", None, "–"),
        ("abandonment_rate", Decimal("0.333333"), "33.3%"), ("days_since_seen", 1, "1 day"),
        ("mean_days_between_orders", Decimal("12.500000"), "12.5 days"), ("views_per_session", Decimal("3.250000"), "3.25"),
    ],
)  # fmt: skip
def test_metric_is_shown_by_its_unit_else_by_its_kind(key: str, value: object, text: str) -> None:
    assert formats.metric_value(BY_KEY[key], value) == text


def test_moments_and_durations() -> None:
    assert formats.moment(datetime(2019, 12, 1, 3, 5, tzinfo=UTC)) == "1 Dec 2019, 03:05 UTC"
    assert [formats.duration(seconds) for seconds in (None, 0.0402, 0.14, 59.94, 61, 3600)] == [
        "–",
        "40 ms",
        "0.1 s",
        "59.9 s",
        "1 min 1 s",
        "60 min 0 s",
    ]


def test_vietnamese_numbers_money_and_days() -> None:
    with override("vi"):
        assert formats.money(Decimal("-1234.5")) == "-1.234,50\xa0US$"
        assert formats.money_short(Decimal("712900.3")) == "712,9\xa0N\xa0US$"
        assert formats.count(1_234_567) == "1.234.567"
        assert formats.percent(0.1234) == "12,3%"
        assert formats.day(date(2019, 11, 3)) == "03/11/2019"
        assert formats.moment(datetime(2019, 12, 1, 3, 5, tzinfo=UTC)) == "01/12/2019, 03:05 UTC"
        assert formats.get_separators() == ",."
        assert formats.get_currency_affixes() == ("", "\xa0US$")
    assert formats.get_currency_affixes() == ("$", "")

"""Numbers, money and days as the site shows them. Pure functions; a missing value is always a dash."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from cdp.metrics import Metric
from cdp.settings import current

MISSING = "–"
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "VND": "₫"}
_STEPS = ((Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "K"))


def count(value: int | None) -> str:
    return MISSING if value is None else f"{value:,}"


def money(value: Decimal | None) -> str:
    """Every cent, with the currency in front: $1,234.50."""
    return MISSING if value is None else _signed(value, f"{abs(value):,.2f}")


def money_short(value: Decimal | None) -> str:
    """As a tile shows it: $1.23M, $45.6K, $1,234.50."""
    if value is None:
        return MISSING
    return _signed(value, _short(abs(value), exact=f"{abs(value):,.2f}"))


def count_short(value: int | None) -> str:
    """As a tile shows it: 1.23M; every digit below a hundred thousand."""
    if value is None:
        return MISSING
    return f"{value:,}" if abs(value) < 100_000 else _short(Decimal(value), exact=str(value))


def percent(value: float | Decimal | None, decimals: int = 1) -> str:
    """A share between 0 and 1: 12.3%. A share above zero never shows as 0.0%."""
    if value is None:
        return MISSING
    if 0 < value < 10 ** -(decimals + 2):
        return f"<{10**-decimals:.{decimals}f}%"
    return f"{value * 100:.{decimals}f}%"


def number(value: float | Decimal | None) -> str:
    return MISSING if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def day(value: date | str | None) -> str:
    """30 Nov 2019."""
    if value is None:
        return MISSING
    moment = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{moment.day} {moment:%b %Y}"


def moment(value: datetime | None) -> str:
    """30 Nov 2019, 14:05 UTC."""
    return MISSING if value is None else f"{value.day} {value:%b %Y, %H:%M} UTC"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return MISSING
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def days(value: float | Decimal | None) -> str:
    """1 day, 12.5 days."""
    return MISSING if value is None else f"{number(value)} day{'' if value == 1 else 's'}"


def metric_value(metric: Metric, value: object) -> str:
    """Format the value of a metric in the way the catalogue says."""
    if value is None:
        return MISSING
    match metric.shown:
        case "money":
            return money(Decimal(str(value)))
        case "count":
            return count(int(str(value)))
        case "decimal":
            return number(Decimal(str(value)))
        case "days":
            return days(Decimal(str(value)))
        case "percent":
            return percent(Decimal(str(value)))
        case "day":
            return day(value if isinstance(value, date) else str(value))
        case "text":
            return str(value)


def get_currency_symbol() -> str:
    code = current().currency
    return _SYMBOLS.get(code, f"{code} ")


def _signed(value: Decimal, digits: str) -> str:
    return f"{'-' if value < 0 else ''}{get_currency_symbol()}{digits}"


def _short(value: Decimal, exact: str) -> str:
    """One or two decimals and a letter, for ten thousand and more."""
    if value < 10_000:
        return exact
    for size, letter in _STEPS:
        if value >= size * Decimal("0.99995"):
            scaled = value / size
            decimals = 1 if scaled >= Decimal("9.995") else 2
            return f"{scaled:.{decimals}f}{letter}"
    return exact

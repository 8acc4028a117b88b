"""Numbers, money and days as the site shows them, in the language of the request. A missing value is always a dash."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
    get_decimal_symbol,
    get_group_symbol,
)
from babel.numbers import get_currency_symbol as get_symbol
from django.utils.translation import gettext, ngettext

from cdp.metrics import Metric
from cdp.rules import Language
from cdp.settings import current
from cdp_web.layout.facts import get_rule_language, localize_choice

MISSING = "–"
#: Language -> the pattern of a day for Babel, with and without the year, and the same for plotly's script.
_DAYS: dict[Language, tuple[str, str, str, str]] = {
    "en": ("d MMM y", "d MMM", "%A, %-d %b %Y", "%-d %b"),
    "vi": ("dd/MM/y", "dd/MM", "%d/%m/%Y", "%d/%m"),
}


def get_locale() -> Locale:
    return Locale(get_rule_language())


def count(value: int | None) -> str:
    return MISSING if value is None else format_decimal(value, locale=get_locale())


def money(value: Decimal | None) -> str:
    """Every cent, with the currency: $1,234.50."""
    return MISSING if value is None else format_currency(value, current().currency, locale=get_locale())


def money_whole(value: Decimal) -> str:
    """An amount without cents: $50."""
    pattern = get_locale().currency_formats["standard"].pattern.replace(".00", "")
    return format_currency(value, current().currency, pattern, get_locale(), currency_digits=False)


def money_short(value: Decimal | None) -> str:
    """As a tile shows it: $1.23M, $45.6K, $1,234.50."""
    if value is None or abs(value) < 10_000:
        return money(value)
    return format_compact_currency(_round_short(value), current().currency, locale=get_locale(), fraction_digits=2)


def count_short(value: int | None) -> str:
    """As a tile shows it: 1.23M; every digit below a hundred thousand."""
    if value is None or abs(value) < 100_000:
        return count(value)
    return format_compact_decimal(_round_short(value), locale=get_locale(), fraction_digits=2)


def percent(value: float | Decimal | None, decimals: int = 1) -> str:
    """A share between 0 and 1: 12.3%. A share above zero never shows as 0.0%."""
    if value is None:
        return MISSING
    pattern = f"0.{'0' * decimals}%"
    if 0 < value < 10 ** -(decimals + 2):
        return f"<{format_percent(10 ** -(decimals + 2), pattern, locale=get_locale())}"
    return format_percent(value, pattern, locale=get_locale())


def number(value: float | Decimal | None) -> str:
    return MISSING if value is None else format_decimal(value, "#,##0.##", locale=get_locale())


def day(value: date | str | None) -> str:
    """30 Nov 2019."""
    if value is None:
        return MISSING
    moment = date.fromisoformat(value) if isinstance(value, str) else value
    return format_date(moment, _DAYS[get_rule_language()][0], locale=get_locale())


def day_short(value: date) -> str:
    """30 Nov."""
    return format_date(value, _DAYS[get_rule_language()][1], locale=get_locale())


def weekday(value: date, width: str = "wide") -> str:
    """Thursday; Thu if the width is `abbreviated`."""
    return format_date(value, "EEEE" if width == "wide" else "EEE", locale=get_locale())


def month(value: date) -> str:
    """Nov 2019; 11/2019 where months have numbers."""
    return format_date(value, "MMM y" if get_rule_language() == "en" else "MM/y", locale=get_locale())


def moment(value: datetime | None) -> str:
    """30 Nov 2019, 14:05 UTC."""
    if value is None:
        return MISSING
    return format_datetime(value, f"{_DAYS[get_rule_language()][0]}, HH:mm 'UTC'", locale=get_locale())


def duration(seconds: float | None) -> str:
    if seconds is None:
        return MISSING
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return gettext("%(seconds)s s") % {"seconds": format_decimal(seconds, "0.0", locale=get_locale())}
    minutes, rest = divmod(round(seconds), 60)
    return gettext("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}


def days(value: float | Decimal | None) -> str:
    """1 day, 12.5 days."""
    if value is None:
        return MISSING
    return ngettext("%(number)s day", "%(number)s days", 1 if value == 1 else 2) % {"number": number(value)}


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
            return localize_choice(str(value)) if metric.choices else str(value)


def get_currency_symbol() -> str:
    return get_symbol(current().currency, locale=get_locale())


def get_currency_affixes() -> tuple[str, str]:
    """What plotly's script writes before and after an amount."""
    pattern = "¤0" if get_rule_language() == "en" else "0\xa0¤"
    before, _, after = format_currency(0, current().currency, pattern, get_locale(), currency_digits=False).partition("0")
    return before, after


def get_separators() -> str:
    """The decimal and the group separator, as plotly's script takes them."""
    return get_decimal_symbol(get_locale()) + get_group_symbol(get_locale())


def get_day_patterns() -> tuple[str, str]:
    """The patterns of a whole and a short day for plotly's script."""
    _, _, whole, short = _DAYS[get_rule_language()]
    return whole, short


def _round_short(value: Decimal | int) -> Decimal:
    """To three digits, or four if three are before the point: 1.23M, 45.6K, 239.4K."""
    digits = len(str(abs(int(value))))
    return Decimal(f"{value:.{4 if digits % 3 == 0 else 3}g}")

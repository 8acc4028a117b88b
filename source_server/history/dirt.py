"""What goes wrong on the way: rows that will be refused, rows sent twice, rows that come late.

One way of going wrong a row, so that what the stream must refuse is known to the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random

from cdp.events.fields import MAX_TEXT
from source_server.history.rows import COLUMNS, PLACES, Row, Values
from source_server.history.visits import SECONDS_A_DAY

DIRTY_SHARE = 0.003
COPY_SHARE = 0.002
LATE_SHARE = 0.004
MAX_LATE_DAYS = 2

Spoil = Callable[[Random, Values], Values]


def _put(column: str, *choices: str | None) -> Spoil:
    """Puts one of these values in the place of a column's own."""

    def spoil(rng: Random, values: Values) -> Values:
        place = PLACES[column]
        return (*values[:place], rng.choice(choices), *values[place + 1 :])

    return spoil


def _one_of(*spoils: Spoil) -> Spoil:
    return lambda rng, values: rng.choice(spoils)(rng, values)


def _cut_line(rng: Random, values: Values) -> Values:
    """The line breaks off, as when a tracker dies in the middle of writing."""
    line = f'{{"event_time":"{values[0]}","event_type":"{values[1]}","product_id":"{values[2]}","user_id":"{values[7]}"'
    return _only_payload(line[: rng.randrange(1, len(line))])


def _list_line(rng: Random, values: Values) -> Values:
    return _only_payload(f'["{values[0]}","{values[1]}"]')


def _only_payload(line: str) -> Values:
    return (*(None for _ in COLUMNS[:-1]), line)


#: Reason code -> how a row comes to be refused for it. A test holds the codes against cdp.events.REASONS.
SPOILS: dict[str, Spoil] = {
    "not_json": _one_of(_cut_line, _list_line),
    "missing": _one_of(*(_put(name, None, "") for name in ("event_time", "event_type", "product_id", "price", "user_id"))),
    "bad_time": _put("event_time", "2019-10-05 12:00:00", "05/10/2019", "1970-01-01 00:00:00 UTC", "9999-12-31 23:59:59 UTC"),
    "bad_type": _put("event_type", "wishlist", "page_view", "click"),
    "bad_price": _put("price", "-5.00", "free", "12345678901.00", "NaN", "19,99"),
    "bad_quantity": _put("quantity", "0", "-1", "1.5", "two"),
    "too_long": _one_of(_put("brand", "x" * (MAX_TEXT + 1)), _put("user_session", "0" * (MAX_TEXT * 5))),
}
_CODES = tuple(SPOILS)


def with_accidents(rng: Random, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows of one day with the share of accidents that a shop has."""
    for row in rows:
        fate = rng.random()
        if fate < DIRTY_SHARE:
            code = rng.choice(_CODES)
            yield row._replace(values=SPOILS[code](rng, row.values), dirt=code)
        elif fate < DIRTY_SHARE + COPY_SHARE:
            yield row
            yield row._replace(arrives=min(row.arrives + rng.randint(1, 900), SECONDS_A_DAY - 1), copy=True)
        elif fate < DIRTY_SHARE + COPY_SHARE + LATE_SHARE:
            yield row._replace(arrives=row.arrives + _delay(rng, row.arrives), late=True)
        else:
            yield row


def _delay(rng: Random, second: int) -> int:
    """Half come some hours later on the same day, half on one of the next days."""
    if rng.random() < 0.5:
        return min(rng.randint(600, 6 * 3600), SECONDS_A_DAY - 1 - second)
    return rng.randint(1, MAX_LATE_DAYS) * SECONDS_A_DAY

"""Names and e-mail addresses of customers, for users who may see personal data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cdp.mart.shop import CUSTOMER
from cdp.rules import CUSTOMER_ID
from cdp_web.accounts.roles import may_see_personal_data
from cdp_web.names.selectors import has_names, read_rows


@dataclass(frozen=True, slots=True)
class Person:
    """Personal data of a customer: empty texts where the shop has none."""

    name: str
    email: str


def may_see_people(user: Any) -> bool:
    """Whether there are names of customers that this user may see."""
    return has_names(CUSTOMER) and may_see_personal_data(user)


def people_get(user: Any, ids: Iterable[str]) -> dict[str, Person]:
    """Customer id -> name and e-mail; empty for a user who may not see personal data."""
    return people_read(ids) if may_see_people(user) else {}


def people_find(user: Any, text: str, limit: int) -> dict[str, Person]:
    """The customers whose name or e-mail begins with the text in any case, sorted by name; empty for a user who may not see
    personal data."""
    if not text or not may_see_people(user):
        return {}
    sql = f"""
        SELECT customer_id, coalesce(name, ''), coalesce(email, '') FROM {CUSTOMER.full_name}
        WHERE lower(name) LIKE lower(%s) OR lower(email) LIKE lower(%s) ORDER BY lower(name), customer_id LIMIT %s"""
    pattern = re.sub(r"([\\%_])", r"\\\1", text) + "%"
    return {customer_id: Person(name, email) for customer_id, name, email in read_rows(CUSTOMER, sql, pattern, pattern, limit)}


def people_read(ids: Iterable[str]) -> dict[str, Person]:
    """As above, for a caller who has checked the permission."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    sql = f"SELECT customer_id, coalesce(name, ''), coalesce(email, '') FROM {CUSTOMER.full_name} WHERE customer_id = ANY(%s)"
    return {customer_id: Person(name, email) for customer_id, name, email in read_rows(CUSTOMER, sql, wanted)}


def rows_add_names(rows: Iterable[dict[str, Any]], user: Any) -> list[dict[str, Any]]:
    """Rows of customers, each with the `name` of the customer; None for a user who may not see it."""
    rows = list(rows)
    people = people_get(user, [row[CUSTOMER_ID] for row in rows])
    return [{**row, "name": people[row[CUSTOMER_ID]].name if row[CUSTOMER_ID] in people else None} for row in rows]

"""Customers as rows: their ids are those of the generated history, their names and addresses are invented from the id."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from random import Random
from typing import Any

import numpy as np

from source_server.history.customers import make_user_ids

# fmt: off
FIRST_NAMES = (
    "Anna", "Ben", "Clara", "David", "Emma", "Felix", "Grace", "Hugo", "Iris", "Jonas", "Katja", "Liam", "Mia", "Noah", "Olga",
    "Paul", "Rosa", "Sam", "Tara", "Viktor", "An", "Bình", "Chi", "Dũng", "Hạnh", "Hùng", "Lan", "Linh", "Minh", "Ngọc", "Phúc",
    "Quân", "Sơn", "Thảo", "Trang", "Tuấn", "Vy",
)
LAST_NAMES = (
    "Adams", "Baker", "Carter", "Duval", "Evans", "Fischer", "Garcia", "Hansen", "Ivanova", "Jones", "Keller", "Lopez", "Martin",
    "Novak", "Olsen", "Parker", "Rossi", "Smith", "Taylor", "Weber", "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi",
)
CITIES = (
    "Hà Nội", "Hồ Chí Minh City", "Đà Nẵng", "Hải Phòng", "Cần Thơ", "Huế", "London", "Berlin", "Paris", "Madrid", "Rome",
    "Vienna", "Prague", "Warsaw", "Oslo", "Lisbon", "Dublin", "Boston", "Chicago", "Seattle",
)
# fmt: on
CONSENT_SHARE = 0.62
OLDEST_DAYS = 900  # the longest time since a customer signed up


def make_customer_id(number: int) -> int:
    """The id of the customer with this number in the generated history."""
    return int(make_user_ids(np.array([number]))[0].as_py())


def make_person(number: int, signed_up: datetime) -> dict[str, Any]:
    """A row of customers. The same number gives the same person."""
    rng = Random(f"person {number}")
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    return {
        "customer_id": make_customer_id(number),
        "name": f"{first} {last}",
        "email": f"{_to_ascii(first)}.{_to_ascii(last)}.{number}@example.org",
        "city": rng.choice(CITIES),
        "marketing_consent": rng.random() < CONSENT_SHARE,
        "signed_up_at": signed_up,
        "updated_at": signed_up,
    }


def make_old_customer(number: int, today: datetime) -> dict[str, Any]:
    """A person who signed up some time before today."""
    ago = Random(f"signed up {number}").uniform(1, OLDEST_DAYS)
    return make_person(number, today - timedelta(seconds=int(ago * 86_400)))


def _to_ascii(name: str) -> str:
    letters = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    return "".join(letter for letter in letters if letter.isascii())

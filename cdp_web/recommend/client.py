"""Lists from the recommendation API, as the shop would get them now. A list for the site is not counted as served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
from django.utils.translation import gettext as _

from cdp.errors import first_line
from cdp.settings import current

#: A part of a page waits only a moment.
TIMEOUT = httpx.Timeout(1.5, connect=0.5)


class RecommendationsUnavailable(RuntimeError):
    """The API did not answer with a list. The message says why."""


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    product_id: str
    text: str  # in English, for codes that the site does not know


@dataclass(frozen=True, slots=True)
class Item:
    product_id: str
    name: str
    price: Decimal | None
    category: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Answer:
    """One list, the best product first. A stale one was made without Redis."""

    list_name: str
    source: str
    is_stale: bool
    items: tuple[Item, ...]


def list_get(kind: str, thing_id: str, list_name: str, count: int) -> Answer:
    """The list of a customer or product: `kind` is customers or products. Raises RecommendationsUnavailable."""
    settings = current()
    address = f"{settings.recommend_url}/v1/{kind}/{quote(thing_id, safe='')}/recommendations"
    parameters: dict[str, str | int] = {"list": list_name, "count": count, "log": "false"}
    headers = {"Authorization": f"Bearer {settings.recommend_token}"}
    try:
        with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
            response = client.get(address, params=parameters, headers=headers).raise_for_status()
        return _parse_answer(list_name, response.json())
    except httpx.HTTPStatusError as error:
        raise RecommendationsUnavailable(_("it answered with status %s") % error.response.status_code) from error
    except httpx.HTTPError as error:
        raise RecommendationsUnavailable(first_line(error).rstrip(".")) from error
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise RecommendationsUnavailable(_("its answer is not a list of products")) from error


def _parse_answer(list_name: str, answer: Mapping[str, Any]) -> Answer:
    items = tuple(_parse_item(item) for item in answer["items"])
    return Answer(list_name, answer["source"], bool(answer["stale"]), items)


def _parse_item(item: Mapping[str, Any]) -> Item:
    price, reason = item.get("price"), item.get("reason") or {}
    return Item(
        item["product_id"],
        item.get("name") or "",
        None if price is None else Decimal(str(price)),
        item.get("category") or "",
        Reason(reason.get("code") or "", reason.get("product_id") or "", reason.get("text") or ""),
    )

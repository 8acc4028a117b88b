"""The kinds of fraud rules: what an administrator sets, and the SQL that finds what fulfils a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from cdp.fraud import sql
from cdp.mart.live import ORDER
from cdp.mart.shop import CUSTOMER, PAYMENT
from cdp.mart.shop import ORDER as SHOP_ORDER
from cdp.mart.table import Table

#: Orders are kept for a day longer than the days of a trial, and a rule may read twice its time before the first of them.
MOST_MINUTES = 720


class RuleError(ValueError):
    """The parameters of a rule do not fit its kind; the message names the parameter and the valid values."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    kind: Literal["integer", "money"]
    default: str
    least: int
    most: int

    def parse(self, value: object) -> int | Decimal:
        """The value of a form or of stored JSON, where money is text."""
        convert: Callable[[str], int | Decimal] = int if self.kind == "integer" else Decimal
        try:
            parsed = convert(str(value))
            if self.least <= parsed <= self.most:
                return parsed
        except (ValueError, InvalidOperation):
            pass
        number = "a whole number" if self.kind == "integer" else "an amount"
        raise RuleError(f"{self.name} must be {number} from {self.least} to {self.most}, not {value!r}.")


@dataclass(frozen=True, slots=True)
class RuleKind:
    key: str
    parameters: tuple[Parameter, ...]
    #: The tables whose changed rows can fulfil a rule of this kind.
    sources: tuple[Table, ...]
    rows: str
    evidence: str


def _count(name: str, default: int, least: int, most: int) -> Parameter:
    return Parameter(name, "integer", str(default), least, most)


def _minutes(default: int) -> Parameter:
    return _count("minutes", default, 1, MOST_MINUTES)


def _amount(default: str) -> Parameter:
    return Parameter("amount", "money", default, 0, 1_000_000_000)


RULE_KINDS = (
    RuleKind(
        "frequency", (_count("orders", 5, 1, 1000), _minutes(60)), (ORDER,), sql.FREQUENCY, sql.FREQUENCY_EVIDENCE,
    ),
    RuleKind("amount", (_amount("5000"),), (ORDER,), sql.AMOUNT, sql.AMOUNT_EVIDENCE),
    RuleKind(
        "repeated_basket", (_count("orders", 3, 2, 1000), _count("products", 1, 1, 100), _minutes(60)), (ORDER,),
        sql.REPEATED_BASKET, sql.REPEATED_BASKET_EVIDENCE,
    ),
    RuleKind(
        "shared_basket", (_count("different", 3, 2, 1000), _count("products", 2, 1, 100), _minutes(60)), (ORDER,),
        sql.SHARED_BASKET, sql.SHARED_BASKET_EVIDENCE,
    ),
    RuleKind(
        "failed_payments", (_count("payments", 3, 2, 1000), _minutes(60)), (PAYMENT, SHOP_ORDER),
        sql.FAILED_PAYMENTS, sql.FAILED_PAYMENTS_EVIDENCE,
    ),
    RuleKind(
        "new_account", (_count("hours", 24, 1, 720), _amount("1000")), (ORDER, CUSTOMER),
        sql.NEW_ACCOUNT, sql.NEW_ACCOUNT_EVIDENCE,
    ),
)  # fmt: skip
BY_KEY: Mapping[str, RuleKind] = {kind.key: kind for kind in RULE_KINDS}


def parse_parameters(kind: RuleKind, values: Mapping[str, Any]) -> dict[str, int | Decimal]:
    """The values that the SQL takes. Raises RuleError."""
    missing = [parameter.name for parameter in kind.parameters if parameter.name not in values]
    if missing:
        raise RuleError(f"A rule of the kind {kind.key} needs {', '.join(missing)}.")
    return {parameter.name: parameter.parse(values[parameter.name]) for parameter in kind.parameters}

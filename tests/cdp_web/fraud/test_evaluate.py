"""The evaluation and the trial against a naive reading of the rules, in batches as the streams write them."""

from __future__ import annotations

import json
import random
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from django.db import connection

from cdp.fraud import BY_KEY, RuleError, evaluate, parse_parameters, try_rule
from cdp.mart.daily import create_statements
from cdp.mart.live import ALERT
from cdp.postgres import connection_arguments
from cdp.settings import current
from cdp_web.fraud.models import FraudRule
from tests.cdp_web import factories
from tests.cdp_web.fraud.referee import REFEREES
from tests.cdp_web.fraud.shop import START, Order, Shop, make_shop, write_customers, write_orders, write_payments
from tests.databases import database, rows

pytestmark = [pytest.mark.stack("postgres"), pytest.mark.django_db]

VALUES: dict[str, dict[str, Any]] = {
    "frequency": {"orders": 3, "minutes": 120},
    "amount": {"amount": "150.00"},
    "repeated_basket": {"orders": 2, "products": 1, "minutes": 90},
    "shared_basket": {"different": 3, "products": 2, "minutes": 60},
    "failed_payments": {"payments": 3, "minutes": 240},
    "new_account": {"hours": 6, "amount": "50.00"},
}
NOW = START + timedelta(days=4)


def make_rule(kind: str, since: datetime = START - timedelta(days=1), **changes: Any) -> FraudRule:
    fields = {"name": kind, "kind": kind, "parameters": VALUES[kind], "is_active": True, "active_since": since} | changes
    return FraudRule.objects.create(**fields)


@pytest.fixture(autouse=True)
def tables(db: None) -> None:
    FraudRule.objects.all().delete()
    factories.mart()


@pytest.fixture
def rules() -> dict[str, FraudRule]:
    return {kind: make_rule(kind) for kind in VALUES}


def write(shop: Shop, at: datetime) -> None:
    with connection.cursor() as cursor:
        write_customers(cursor, shop.customers, at)
        write_orders(cursor, shop.orders, at)
        write_payments(cursor, shop.payments, at)


def run() -> list[int]:
    with connection.cursor() as cursor:
        return evaluate(cursor)


def subjects(rule: FraudRule) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT subject FROM {ALERT.full_name} WHERE rule_id = %s", [rule.pk])
        return [subject for (subject,) in cursor.fetchall()]


def find_expected(shop: Shop) -> dict[str, set[str]]:
    expected = {kind: referee(shop, VALUES[kind]) for kind, referee in REFEREES.items()}
    assert all(len(found) > 3 for found in expected.values()), {kind: len(found) for kind, found in expected.items()}
    return expected


@pytest.mark.parametrize("seed", range(2))
def test_each_kind_finds_what_a_naive_reading_finds(seed: int, rules: dict[str, FraudRule]) -> None:
    shop = make_shop(seed)
    write(shop, NOW)
    run()
    assert {kind: set(subjects(rule)) for kind, rule in rules.items()} == find_expected(shop)


@pytest.mark.parametrize("seed", range(2))
def test_batches_find_each_alert_once_and_as_many_as_a_trial(seed: int, rules: dict[str, FraudRule]) -> None:
    """Orders come in their order, in batches of any size; some batches are written twice, as after a crash."""
    shop, chance, at = make_shop(seed), random.Random(seed), NOW
    expected = find_expected(shop)
    write(Shop(customers=shop.customers), at)
    run()
    moments = sorted({order.at for order in shop.orders} | {payment.at for payment in shop.payments})
    while moments:
        size = chance.randint(1, 200)
        batch, moments, at = set(moments[:size]), moments[size:], at + timedelta(seconds=chance.choice((1, 30)))
        part = Shop([o for o in shop.orders if o.at in batch], [p for p in shop.payments if p.at in batch])
        write(part, at)
        run()
        if chance.random() < 0.3:
            write(part, at + timedelta(milliseconds=1))
            run()
    found = {kind: subjects(rule) for kind, rule in rules.items()}
    assert {kind: sorted(each) for kind, each in found.items()} == {kind: sorted(each) for kind, each in expected.items()}
    with connection.cursor() as cursor:
        trials = {kind: try_rule(cursor, BY_KEY[kind], values, NOW) for kind, values in VALUES.items()}
    assert {kind: trial.count for kind, trial in trials.items()} == {kind: len(each) for kind, each in expected.items()}
    assert all({f.subject for f in trials[kind].findings} <= expected[kind] for kind in trials)


def test_a_batch_that_changes_nothing_is_not_read_again(rules: dict[str, FraudRule]) -> None:
    write(make_shop(1, orders=50), NOW)
    run()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {ALERT.full_name}")
    assert run() == []


def order(number: int, minute: float, customer: str = "1", products: str = "ab", amount: str = "10.00") -> Order:
    return Order(f"o{number}", customer, START + timedelta(minutes=minute), Decimal(amount), tuple(products))


def test_the_limit_is_exceeded_by_the_next_order_and_the_time_ends_before_its_length() -> None:
    rule = make_rule("frequency", parameters={"orders": 2, "minutes": 10})
    write(Shop([order(1, 0), order(2, 5), order(3, 10), order(4, 14.5), order(5, 15)]), NOW)
    run()
    assert subjects(rule) == [
        "1/o4"
    ]  # the third order comes when the first one is 10 minutes old; the fifth belongs to the same burst


def test_a_rule_looks_only_at_what_happened_after_it_was_switched_on(rules: dict[str, FraudRule]) -> None:
    shop = make_shop(1)
    FraudRule.objects.update(active_since=START + timedelta(minutes=1500))
    write(shop, NOW)
    run()
    times = {f"{o.customer_id}/{o.order_id}": o.at for o in shop.orders}
    late = {
        subject for subject in REFEREES["amount"](shop, VALUES["amount"]) if times[subject] >= START + timedelta(minutes=1500)
    }
    assert set(subjects(rules["amount"])) == late


def test_a_customer_who_becomes_known_after_the_order_makes_the_alert() -> None:
    rule = make_rule("new_account")
    write(Shop([order(1, 60, amount="99.00")]), NOW)
    assert run() == []
    write(Shop(customers={"1": START}), NOW + timedelta(minutes=5))
    assert len(run()) == 1
    assert subjects(rule) == ["1/o1"]


def test_a_rule_that_was_damaged_stops_no_other() -> None:
    make_rule("amount", parameters={"amount": "many"})
    good = make_rule("frequency", parameters={"orders": 1, "minutes": 10})
    write(Shop([order(1, 0), order(2, 1)]), NOW)
    run()
    assert subjects(good) == ["1/o2"]


def test_rules_that_are_off_find_nothing(rules: dict[str, FraudRule]) -> None:
    FraudRule.objects.update(is_active=False)
    write(make_shop(1, orders=50), NOW)
    assert run() == []


def test_the_evidence_names_what_fulfils_the_rule(rules: dict[str, FraudRule]) -> None:
    FraudRule.objects.filter(kind="shared_basket").update(parameters={"different": 3, "products": 2, "minutes": 30})
    write(Shop([order(1, 0, "1"), order(2, 1, "2", amount="20.50"), order(3, 2, "3"), order(4, 3, "4", "abc")]), NOW)
    run()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT customer_id, evidence->'rule', evidence->'orders' FROM {ALERT.full_name}")
        ((customer, rule, orders),) = cursor.fetchall()
    assert customer == "3"
    assert json.loads(rule) == {
        "name": "shared_basket", "kind": "shared_basket", "different": 3, "products": 2, "minutes": 30,
    }  # fmt: skip
    assert [(o["order_id"], o["customer_id"], o["amount"]) for o in json.loads(orders)] == [
        ("o1", "1", "10.00"),
        ("o2", "2", "20.50"),
        ("o3", "3", "10.00"),
    ]


def test_two_evaluators_at_once_find_each_alert_once() -> None:
    """Each of them in connections of its own, while a third one writes orders."""
    shop = make_shop(7)
    orders = sorted(shop.orders, key=lambda order: order.at)
    with connection.schema_editor(collect_sql=True) as editor:
        editor.create_model(FraudRule)
    rule_table = next(text for text in editor.collected_sql if text.startswith("CREATE TABLE"))
    ended = threading.Event()
    alerts: list[int] = []

    with database(current()) as settings:
        arguments = connection_arguments(settings, "test")

        def evaluate_often() -> None:
            with closing(psycopg2.connect(**arguments)) as own:
                is_last = False
                while not is_last:
                    is_last = ended.is_set()
                    with own, own.cursor() as cursor:
                        alerts.extend(evaluate(cursor))

        with closing(psycopg2.connect(**arguments)) as writer:
            with writer, writer.cursor() as cursor:
                for statement in (*create_statements(), rule_table):
                    cursor.execute(statement)
                cursor.execute(
                    """INSERT INTO fraud_rule (name, kind, parameters, is_active, active_since, changed_at)
                    VALUES ('often', 'frequency', %s, true, %s, now())""",
                    [json.dumps(VALUES["frequency"]), START],
                )
            threads = [threading.Thread(target=evaluate_often) for _ in range(2)]
            for thread in threads:
                thread.start()
            for start in range(0, len(orders), 20):
                with writer, writer.cursor() as cursor:
                    write_orders(cursor, orders[start : start + 20], datetime.now(UTC))
            ended.set()
            for thread in threads:
                thread.join()
        found = rows(settings, f"SELECT alert_id, subject FROM {ALERT.full_name}")
    assert sorted(alerts) == sorted(alert_id for alert_id, _ in found)
    assert sorted(subject for _, subject in found) == sorted(REFEREES["frequency"](shop, VALUES["frequency"]))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("frequency", {"orders": 0, "minutes": 60}),
        ("frequency", {"orders": 5}),
        ("frequency", {"orders": "5; DROP TABLE", "minutes": 60}),
        ("frequency", {"orders": 5, "minutes": 100_000}),
        ("amount", {"amount": "NaN"}),
        ("amount", {"amount": "-1"}),
        ("amount", {"amount": None}),
    ],
)
def test_wrong_parameters_are_refused(kind: str, values: dict[str, Any]) -> None:
    with pytest.raises(RuleError):
        parse_parameters(BY_KEY[kind], values)

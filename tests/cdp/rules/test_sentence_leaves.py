"""Behaviours, sequences, segments and lists in plain English and Vietnamese."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cdp.rules import (
    All,
    Any,
    Behaviour,
    Compare,
    Filter,
    InList,
    InSegment,
    Names,
    Not,
    Rule,
    Sequence,
    Step,
    Window,
    to_sentence,
)

ACME = Filter("brand", "eq", "acme")
DEAR = Filter("price", "ge", 10)
DAY = date(2019, 10, 1)
WEEK = Window("last_days", (7,))
NAMES = Names({7: 'the "best"'}, {3: "Blocked"})


def did(event: str = "purchase", *filters: Filter, window: Window | None = None) -> Behaviour:
    return Behaviour(Step(event, filters), "events", "ge", 1, window or Window())


def measured(measure: str, operator: str, value: object, event: str = "purchase", *filters: Filter) -> Behaviour:
    return Behaviour(Step(event, filters), measure, operator, value)  # type: ignore[arg-type]


BEHAVIOURS: list[tuple[Rule, str, str]] = [
    (did(window=WEEK), "bought a product in the last 7 days", "đã mua sản phẩm trong 7 ngày qua"),
    (
        did("purchase", ACME, DEAR, window=WEEK),
        'bought a product whose brand is "acme" and whose price is at least 10.00, in the last 7 days',
        'đã mua sản phẩm với thương hiệu là "acme" và với giá ít nhất là 10,00, trong 7 ngày qua',
    ),
    (
        measured("events", "eq", 0, "cart", ACME),
        'did not add a product whose brand is "acme" to the cart',
        'không thêm sản phẩm với thương hiệu là "acme" vào giỏ hàng',
    ),
    (Not(did("view")), "did not view a product", "không xem sản phẩm"),
    (Not(measured("events", "eq", 0)), "bought a product", "đã mua sản phẩm"),
    (
        did("view", Filter("category_1", "in", ("home", "garden"))),
        'viewed a product whose category is one of ("home", "garden")',
        'đã xem sản phẩm với danh mục là một trong ("home", "garden")',
    ),
    (
        did("any", Filter("weekday", "eq", 7), Filter("hour", "between", (8, 21))),
        "did anything with a product on Sunday and from 08:00 to 21:59 UTC",
        "đã có hoạt động với sản phẩm vào Chủ nhật và từ 08:00 đến 21:59 giờ UTC",
    ),
    (
        did("cart", Filter("weekday", "ge", 6), ACME),
        'added a product whose brand is "acme" to the cart on Saturday or later in the week',
        'đã thêm sản phẩm với thương hiệu là "acme" vào giỏ hàng vào thứ Bảy hoặc muộn hơn trong tuần',
    ),
    (measured("events", "ge", 3), "bought a product at least 3 times", "đã mua sản phẩm ít nhất 3 lần"),
    (measured("events", "eq", 1), "bought a product exactly 1 time", "đã mua sản phẩm đúng 1 lần"),
    (
        measured("events", "lt", 3),
        "bought a product less than 3 times, or never",
        "đã mua sản phẩm dưới 3 lần, hoặc chưa lần nào",
    ),
    (
        measured("quantity", "between", (2, 5), "purchase", ACME),
        'bought a product whose brand is "acme", totalling from 2 to 5 units',
        'đã mua sản phẩm với thương hiệu là "acme", với tổng cộng từ 2 đến 5 đơn vị sản phẩm',
    ),
    (
        measured("money", "gt", 10, "refund"),
        "returned a product for more than 10.00 in total",
        "đã trả lại sản phẩm với tổng số tiền hơn 10,00",
    ),
    (
        measured("products", "ge", 2, "view"),
        "viewed a product across at least 2 different products",
        "đã xem sản phẩm gồm ít nhất 2 sản phẩm khác nhau",
    ),
    (
        measured("categories", "gt", 1),
        "bought a product across more than 1 category",
        "đã mua sản phẩm thuộc hơn 1 danh mục khác nhau",
    ),
    (
        measured("brands", "ge", 3),
        "bought a product across at least 3 different brands",
        "đã mua sản phẩm thuộc ít nhất 3 thương hiệu khác nhau",
    ),
    (
        measured("days", "ge", 2, "remove_from_cart"),
        "removed a product from the cart on at least 2 different days",
        "đã xóa sản phẩm khỏi giỏ hàng vào ít nhất 2 ngày khác nhau",
    ),
    (
        measured("share_of_events", "ge", 60, "view", ACME),
        'viewed a product whose brand is "acme", making up at least 60 % of all product views',
        'đã xem sản phẩm với thương hiệu là "acme", chiếm ít nhất 60% tổng số lượt xem sản phẩm',
    ),
    (
        measured("share_of_money", "gt", Decimal("33.30"), "purchase", ACME),
        'bought a product whose brand is "acme", making up more than 33.3 % of all money spent',
        'đã mua sản phẩm với thương hiệu là "acme", chiếm hơn 33,3% tổng số tiền đã chi',
    ),
    (
        measured("share_of_money", "le", 5, "purchase", ACME),
        'bought a product whose brand is "acme", making up at most 5 % of all money spent, or never',
        'đã mua sản phẩm với thương hiệu là "acme", chiếm nhiều nhất 5% tổng số tiền đã chi, hoặc chưa lần nào',
    ),
    (
        measured("first_day", "on_or_after", DAY),
        "bought a product for the first time on or after 2019-10-01",
        "đã mua sản phẩm lần đầu tiên từ ngày 01/10/2019 trở đi",
    ),
    (
        measured("last_day", "more_than_days_ago", 60),
        "bought a product for the last time more than 60 days ago",
        "đã mua sản phẩm lần gần nhất cách đây hơn 60 ngày",
    ),
    (measured("last_day", "is_set", None), "bought a product", "đã mua sản phẩm"),
    (measured("first_day", "is_not_set", None), "did not buy a product", "không mua sản phẩm"),
]
WINDOWS: list[tuple[Rule, str, str]] = [
    (did(window=window), f"bought a product {english}", f"đã mua sản phẩm {vietnamese}")
    for window, english, vietnamese in (
        (Window("last_days", (1,)), "in the last 1 day", "trong 1 ngày qua"),
        (Window("days_ago", (3, 5)), "3 to 5 days ago", "cách đây từ 3 đến 5 ngày"),
        (Window("between", (DAY, DAY)), "from 2019-10-01 to 2019-10-01", "từ 01/10/2019 đến 01/10/2019"),
        (Window("this_week"), "this week", "trong tuần này"),
        (Window("last_year"), "last year", "trong năm ngoái"),
    )
]
SEQUENCES: list[tuple[Rule, str, str]] = [
    (
        Sequence(Step("cart"), Step("purchase"), False, 2, "product_id", WEEK),
        "added a product to the cart in the last 7 days, and within 2 days did not buy a product (the same one)",
        "đã thêm sản phẩm vào giỏ hàng trong 7 ngày qua, và trong vòng 2 ngày sau đó không mua sản phẩm (chính sản phẩm đó)",
    ),
    (
        Sequence(Step("view"), Step("purchase", (ACME,)), True, 0, "category_2"),
        'viewed a product, and on the same day bought a product of the same level 2 category whose brand is "acme"',
        'đã xem sản phẩm, và trong cùng ngày đã mua sản phẩm cùng danh mục cấp 2 với thương hiệu là "acme"',
    ),
]
GROUPS: list[tuple[Rule, str, str]] = [
    (
        All((InSegment(7), Not(InList(3)), Not(InSegment(8)))),
        'is in the segment "the \\"best\\"" and is not in the list "Blocked" and is not in the segment "#8"',
        'thuộc phân khúc "the \\"best\\"" và không có trong danh sách "Blocked" và không thuộc phân khúc "#8"',
    ),
    (
        Any((Sequence(Step("cart"), Step("purchase"), True, 1), InList(3))),
        'added a product to the cart, and within 1 day bought a product, or is in the list "Blocked"',
        'đã thêm sản phẩm vào giỏ hàng, và trong vòng 1 ngày sau đó đã mua sản phẩm, hoặc có trong danh sách "Blocked"',
    ),
    (
        Any((did(), did("purchase", ACME, window=WEEK))),
        'bought a product, or bought a product whose brand is "acme", in the last 7 days',
        'đã mua sản phẩm, hoặc đã mua sản phẩm với thương hiệu là "acme", trong 7 ngày qua',
    ),
    (
        Any((did(), did("view"))),
        "bought a product or viewed a product",
        "đã mua sản phẩm hoặc đã xem sản phẩm",
    ),
    (
        Not(All((did(), InList(3)))),
        'not (bought a product and is in the list "Blocked")',
        'không phải (đã mua sản phẩm và có trong danh sách "Blocked")',
    ),
]
METRICS: list[tuple[Rule, str, str]] = [
    (
        Compare("orders_30d", "top", 100),
        "orders in the last 30 days is among the 100 highest",
        "số đơn hàng trong 30 ngày qua thuộc nhóm 100 khách hàng cao nhất",
    ),
    (
        Compare("total_purchase_value", "bottom_percent", Decimal("0.50")),
        "net revenue is among the lowest 0.5 %",
        "doanh thu thuần thuộc nhóm 0,5% khách hàng thấp nhất",
    ),
    (
        Compare("last_seen", "days_ago_between", (3, 5)),
        "last seen is 3 to 5 days ago",
        "ngày ghé thăm gần nhất cách đây từ 3 đến 5 ngày",
    ),
    (Compare("last_order", "last_month"), "last order is last month", "ngày đặt hàng gần nhất nằm trong tháng trước"),
    (
        Compare("first_order", "anniversary_in_days", 7),
        "first order has its anniversary within 7 days",
        "ngày đặt hàng đầu tiên có ngày kỷ niệm trong vòng 7 ngày tới",
    ),
    (
        Compare("favourite_brand_by_views", "contains_any_case", "Ac"),
        'favourite brand by views contains "Ac" (any case)',
        'thương hiệu yêu thích theo lượt xem chứa "Ac" (không phân biệt chữ hoa, chữ thường)',
    ),
    (Compare("rfm_group", "eq", "Loyal"), 'RFM group is "Loyal"', 'nhóm RFM là "Trung thành"'),
    (
        Compare("lifecycle", "in", ("new", "at risk")),
        'lifecycle is one of ("new", "at risk")',
        'giai đoạn khách hàng là một trong ("mới", "có nguy cơ rời bỏ")',
    ),
    (Compare("lifecycle", "contains", "new"), 'lifecycle contains "new"', 'giai đoạn khách hàng chứa "new"'),
]


@pytest.mark.parametrize(("rule", "english", "vietnamese"), [*BEHAVIOURS, *WINDOWS, *SEQUENCES, *GROUPS, *METRICS])
def test_a_rule_in_both_languages(rule: Rule, english: str, vietnamese: str) -> None:
    assert to_sentence(rule, NAMES) == english
    assert to_sentence(rule, NAMES, "vi") == vietnamese


def test_braces_in_a_text_are_only_text() -> None:
    rule = did("purchase", Filter("brand", "eq", "{0} {did}"), window=WEEK)
    assert to_sentence(rule) == 'bought a product whose brand is "{0} {did}", in the last 7 days'


NAMED = Names(
    products={"7": 'Pan {9"}', "8": "Lid"},
    categories={"category_1": {"home": "Home & garden"}, "favourite_category_by_views": {"home.pans": "Home › Pans"}},
)


@pytest.mark.parametrize(
    ("rule", "english"),
    [
        (did("purchase", Filter("product_id", "eq", "7")), 'bought "Pan {9\\"}" (7)'),
        (
            did("purchase", Filter("product_id", "eq", "7"), Filter("price", "gt", 5)),
            'bought "Pan {9\\"}" (7) whose price is more than 5.00',
        ),
        (did("purchase", Filter("product_id", "eq", "9")), 'bought a product whose id is "9"'),
        (did("purchase", Filter("product_id", "in", ("8", "9"))), 'bought a product whose id is one of ("Lid" (8), "9")'),
        (did("purchase", Filter("product_id", "starts_with", "7")), 'bought a product whose id starts with "7"'),
        (did("purchase", Filter("category_1", "eq", "home")), 'bought a product whose category is "Home & garden"'),
        (Compare("favourite_category_by_views", "eq", "home.pans"), 'favourite category by views is "Home › Pans"'),
    ],
)
def test_products_and_categories_by_name(rule: Rule, english: str) -> None:
    assert to_sentence(rule, NAMED) == english


def test_a_named_product_in_vietnamese() -> None:
    rule = did("cart", Filter("product_id", "eq", "8"))
    assert to_sentence(rule, NAMED, "vi") == 'đã thêm sản phẩm "Lid" (8) vào giỏ hàng'

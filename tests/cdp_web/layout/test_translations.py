"""Every text has a translation in every language, and the compiled catalogues are those of the repository."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from django.utils.translation import override

from cdp.metrics import BY_KEY, METRICS
from cdp.rules import describe_behaviours, list_catalogue
from cdp_web.layout import facts
from cdp_web.layout.formats import metric_value
from cdp_web.layout.translations import DOMAINS, build_template, find_file, list_languages, read_catalogue, write_text

CATALOGUES = [(language, domain) for language in list_languages() for domain in DOMAINS]
PLACE = re.compile(r"%\(\w+\)s|\{\w+\}|</?\w+>")
every_catalogue = pytest.mark.parametrize(("language", "domain"), CATALOGUES)


def messages_of(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def list_forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


@every_catalogue
def test_a_catalogue_has_the_texts_of_the_code(language: str, domain: str) -> None:
    """`manage.py translations` brings them up to date."""
    catalogue, template = read_catalogue(language, domain), build_template(domain)
    assert {(each.id, each.context) for each in messages_of(catalogue)} == {
        (each.id, each.context) for each in messages_of(template)
    }
    assert not catalogue.obsolete


@every_catalogue
def test_every_text_is_translated(language: str, domain: str) -> None:
    catalogue = read_catalogue(language, domain)
    assert [
        message.id for message in messages_of(catalogue) if not all(list_forms(message.string) or [""]) or message.fuzzy
    ] == []
    assert not catalogue.fuzzy
    assert all(len(list_forms(each.string)) == catalogue.num_plurals for each in messages_of(catalogue) if each.pluralizable)


@every_catalogue
def test_a_translation_has_the_places_of_its_text(language: str, domain: str) -> None:
    """Of a text with a plural, the form for many has all of them."""
    different = [
        message.id
        for message in messages_of(read_catalogue(language, domain))
        for form in list_forms(message.string)
        if sorted(PLACE.findall(form)) != sorted(PLACE.findall(list_forms(message.id)[-1]))
    ]
    assert different == []


@every_catalogue
def test_the_compiled_catalogue_is_that_of_the_texts(language: str, domain: str) -> None:
    catalogue = read_catalogue(language, domain)
    with find_file(language, domain, ".mo").open("rb") as file:
        compiled = read_mo(file)
    translations = [
        {tuple(list_forms(each.id)): list_forms(each.string) for each in messages_of(each_catalogue)}
        for each_catalogue in (compiled, catalogue)
    ]
    assert translations[0] == translations[1]
    assert write_text(catalogue) == find_file(language, domain).read_bytes()


@every_catalogue
def test_translations_are_written_with_composed_letters(language: str, domain: str) -> None:
    texts = [form for message in messages_of(read_catalogue(language, domain)) for form in list_forms(message.string)]
    assert [text for text in texts if unicodedata.normalize("NFC", text) != text] == []


def test_the_builder_has_its_words_in_the_language_of_the_request() -> None:
    with override("vi"):
        data = facts.describe_builder()
    lifecycle = data["catalogue"][0]
    assert (lifecycle["title"], lifecycle["choices"][0], lifecycle["choice_titles"][0]) == ("Giai đoạn khách hàng", "new", "mới")
    assert data["behaviours"]["weekdays"][6] == "Chủ nhật"
    assert {each["key"]: each["title"] for each in data["behaviours"]["events"]}["refund"] == "Hoàn tiền"


def test_the_builder_has_the_catalogue_unchanged_in_english() -> None:
    data = facts.describe_builder()
    assert [{**each, "choice_titles": each["choices"]} for each in list_catalogue()] == data["catalogue"]
    assert data["behaviours"] == describe_behaviours()


def test_titles_and_values_of_metrics_follow_the_language() -> None:
    with override("vi"):
        assert facts.get_title_in_group(BY_KEY["orders_30d"]) == facts.get_title(BY_KEY["total_purchase"]) == "Số đơn hàng"
        assert metric_value(BY_KEY["rfm_group"], "Loyal") == "Trung thành"
        assert metric_value(BY_KEY["favourite_brand_by_views"], "Loyal") == "Loyal"
    assert [facts.get_title_in_group(metric) for metric in METRICS] == [metric.title_in_group for metric in METRICS]

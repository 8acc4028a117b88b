"""The templates of the builder."""

from __future__ import annotations

import pytest

from cdp.rules import check, decode
from cdp.rules.tree import InSegment, walk
from cdp_web.segments.gallery import AIMS, build_template_rule, find_starter, list_templates
from cdp_web.segments.starters import STARTERS


def test_every_starter_has_one_aim() -> None:
    assert sorted(name for _, names in AIMS for name in names) == sorted(starter.name for starter in STARTERS)


@pytest.mark.parametrize("key", [template.key for group in list_templates() for template in group.templates])
def test_a_template_needs_no_other_segment(key: str) -> None:
    starter = find_starter(key)
    assert starter is not None
    rule = decode(build_template_rule(starter))
    assert check(rule) == []
    assert not any(isinstance(node.rule, InSegment) for node in walk(rule))

"""The document of a job says the same when it is read back from JSON."""

from __future__ import annotations

import json

import pytest

from cdp.rules import All, Behaviour, Compare, InList, InSegment, Not, RuleError, Step, Window
from cdp.rules.jobs import JobRule, parse_job_rule

LOYAL = All((Compare("total_purchase", "ge", 2), Not(InList(3))))
RECENT = Behaviour(Step("cart"), "events", "ge", 1, Window("last_days", (7,)))
JOB = JobRule(All((InSegment(7), RECENT, InList(4))), {9: RECENT, 7: LOYAL}, {3: 2, 4: 0}, 5)


def test_a_job_is_read_back_unchanged() -> None:
    document = json.loads(json.dumps(JOB.as_json(), sort_keys=True))
    assert set(document) == {"rule", "segments", "lists", "recommendations"}
    assert (set(document["segments"]), document["lists"]) == ({"7", "9"}, {"3": 2, "4": 0})
    assert parse_job_rule(document) == JOB


def test_a_rule_that_can_not_be_read_is_refused() -> None:
    document = JOB.as_json()
    document["segments"]["7"] = {"version": 1, "rule": {"all": [{"weather": {}}]}}
    with pytest.raises(RuleError):
        parse_job_rule(document)

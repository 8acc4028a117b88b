"""The meaning of a segment in three forms: a sentence, the document, and the SQL of the current run."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlglot

from cdp_web.segments.models import Segment
from cdp_web.segments.selectors import segment_describe


@dataclass(frozen=True, slots=True)
class Explanation:
    sentence: str
    document: str
    sql: str  # empty before the first complete run


def segment_explain(segment: Segment) -> Explanation:
    run = segment.current_run
    sql = sqlglot.transpile(run.sql, read=run.engine, write=run.engine, pretty=True)[0] if run else ""
    return Explanation(segment_describe(segment), json.dumps(segment.rule, indent=2, ensure_ascii=False), sql)

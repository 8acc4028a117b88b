"""What batch and site share about nights: the night lock, and how to read the runs in mart.night_run.

A run marked "running" counts as running only while the connection that started it holds the lock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from cdp.mart.daily import NIGHT_RUN, PUBLICATION

#: Any number that no other lock in this database uses.
NIGHT_LOCK = 7_301_001

#: The steps of a night, in the order that batch/steps.py requires. Compaction runs after the publication and is not one of them.
STEPS = (
    "plan", "customer_day", "interactions", "kpi_day", "staging", "customers", "charts", "profiles", "gate", "publication",
)  # fmt: skip

RunState = Literal["running", "published", "needless", "failed", "cut off"]
CheckState = Literal["ok", "failed", "accepted"]

#: Selects the Postgres processes that hold the lock: one or none.
HOLDERS = f"""
    SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = {NIGHT_LOCK}
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
#: A night may be killed after its publication and before it closes its own row.
FATE = f"""
    CASE WHEN EXISTS (SELECT FROM {PUBLICATION.full_name} p WHERE p.id = r.publication) THEN 'published' ELSE 'cut off' END"""
SELECT_RUNS = f"""
    SELECT id, day, begun_at, ended_at,
        CASE WHEN state <> 'running' OR backend IN ({HOLDERS}) THEN state ELSE {FATE} END,
        step, reason, seconds, checks, accepted, publication, host, pid
    FROM {NIGHT_RUN.full_name} r"""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A person takes responsibility for a check that may fail in this run."""

    check: str
    who: str
    why: str
    at: str  # ISO 8601

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The result of one check."""

    name: str
    state: CheckState
    says: str
    accepted: Accepted | None = None


@dataclass(frozen=True, slots=True)
class NightRun:
    """One run of a night."""

    id: int
    day: date
    begun_at: datetime
    ended_at: datetime | None
    state: RunState
    step: str | None
    reason: str | None
    seconds: Mapping[str, float] = field(default_factory=dict)
    checks: Sequence[CheckOutcome] = ()
    accepted: Sequence[Accepted] = ()
    publication: int | None = None
    host: str = ""
    pid: int = 0

    @property
    def stopped(self) -> bool:
        return self.state in ("failed", "cut off")

    @property
    def failed_checks(self) -> list[CheckOutcome]:
        return [check for check in self.checks if check.state == "failed"]

    @property
    def accepted_checks(self) -> list[CheckOutcome]:
        return [check for check in self.checks if check.state == "accepted"]

    @property
    def took(self) -> float | None:
        return (self.ended_at - self.begun_at).total_seconds() if self.ended_at else None

    @property
    def why(self) -> str:
        """Why the run did not finish, in one sentence."""
        if self.state == "cut off":
            return f"it was cut off in step {self.step} and is no longer running" if self.step else "it was cut off"
        return f"{self.step}: {self.reason}" if self.step else self.reason or ""


def run_from_row(row: Sequence[Any]) -> NightRun:
    """Convert a row of SELECT_RUNS. One driver returns JSON as text, the other parsed."""
    fields = dict(zip(NightRun.__slots__, row, strict=True))
    seconds, checks, accepted = (_parse_json(fields[name]) for name in ("seconds", "checks", "accepted"))
    overrides = tuple(Accepted(**entry) for entry in accepted)
    took = {step: seconds[step] for step in STEPS if step in seconds}  # jsonb does not keep the order of its keys
    return NightRun(**fields | {"seconds": took, "checks": tuple(map(_parse_outcome, checks)), "accepted": overrides})


def _parse_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _parse_outcome(row: dict[str, Any]) -> CheckOutcome:
    accepted = row.get("accepted")
    return CheckOutcome(row["name"], row["state"], row["says"], Accepted(**accepted) if accepted else None)


def remedy(run: NightRun) -> list[str]:
    """Commands that publish the day of a stopped run."""
    again = f"./run night --day {run.day}"
    failed = " ".join(check.name for check in run.failed_checks)
    return [again, f'{again} --accept {failed} --why "..."'] if failed else [again]

"""The gate: every check is asked, what somebody answers for is accepted on record, and the rest stops the night."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from datetime import date, datetime

from batch.gate.checks import CHECK_NAMES, CHECKS, Check, Figures
from cdp.nights import Accepted, CheckOutcome


class GateClosed(Exception):
    """A check failed and nobody accepted it. `text` is for the terminal, the message itself for the record."""

    def __init__(self, failed: Sequence[CheckOutcome], count: int, day: date) -> None:
        names = " ".join(check.name for check in failed)
        super().__init__("; ".join(f"{check.name}: {check.says}" for check in failed))
        self.text = "\n".join(
            (
                f"the gate is closed, {len(failed)} of {count} checks failed; nothing was published.",
                *(f"  {check.name:<10} {check.says}" for check in failed),
                "All of them: ./run night --explain",
                f'To publish all the same, on record: ./run night --day {day} --accept {names} --why "..."',
            )
        )


def accept(names: Sequence[str], why: str, at: datetime) -> tuple[Accepted, ...]:
    """What somebody typed, in their name. A check that there is not is an error."""
    unknown = [name for name in names if name not in CHECK_NAMES]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a check; there are {', '.join(CHECK_NAMES)}.")
    if names and not why.strip():
        raise ValueError('say why it may be published all the same: --why "..."')
    if why and not names:
        raise ValueError("--why goes with --accept CHECK.")
    return tuple(Accepted(name, login_name(), why.strip(), at.isoformat(timespec="seconds")) for name in dict.fromkeys(names))


def login_name() -> str:
    """Of the user that this process belongs to; a container may have no name for it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def judged(figures: Figures, accepted: Sequence[Accepted], checks: Sequence[Check] = CHECKS) -> list[CheckOutcome]:
    overrides = {given.check: given for given in accepted}
    outcomes = []
    for check in checks:
        found = check.find(figures)
        override = None if found.passed else overrides.get(check.name)
        outcomes.append(
            CheckOutcome(check.name, "ok" if found.passed else "accepted" if override else "failed", found.says, override)
        )
    return outcomes


def require_open(outcomes: Sequence[CheckOutcome], day: date) -> None:
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if failed:
        raise GateClosed(failed, len(outcomes), day)


def summary(outcomes: Sequence[CheckOutcome]) -> str:
    accepted = [outcome.name for outcome in outcomes if outcome.state == "accepted"]
    told = f"{len(outcomes)} checks"
    return f"{told}, accepted all the same: {', '.join(accepted)}" if accepted else f"{told} passed"

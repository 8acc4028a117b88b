"""The gate: runs every check. A failed check stops the night unless somebody has accepted it, which is recorded."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from datetime import date, datetime

from batch.gate.checks import CHECK_NAMES, CHECKS, Figures, GateCheck
from cdp.mart.nights import Accepted, CheckOutcome


class GateClosed(Exception):
    """A check failed and nobody accepted it. `text` is shown in the terminal, the exception's message is recorded."""

    def __init__(self, failed: Sequence[CheckOutcome], count: int, day: date) -> None:
        names = " ".join(check.name for check in failed)
        super().__init__("; ".join(f"{check.name}: {check.says}" for check in failed))
        self.text = "\n".join(
            (
                f"the gate is closed, {len(failed)} of {count} checks failed; nothing was published.",
                *(f"  {check.name:<10} {check.says}" for check in failed),
                "See all checks: ./run night --explain",
                f'To publish anyway, on record: ./run night --day {day} --accept {names} --why "..."',
            )
        )


def accept(names: Sequence[str], why: str, at: datetime, who: str = "") -> tuple[Accepted, ...]:
    """The accepted checks, in the name of `who` or of the user who typed the command. An unknown check is an error."""
    unknown = [name for name in names if name not in CHECK_NAMES]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a check; the checks are {', '.join(CHECK_NAMES)}.")
    if names and not why.strip():
        raise ValueError('--accept needs a reason: --why "..."')
    if why and not names:
        raise ValueError("--why needs --accept CHECK.")
    if who and not names:
        raise ValueError("--who needs --accept CHECK.")
    name = who.strip() or find_login_name()
    return tuple(Accepted(check, name, why.strip(), at.isoformat(timespec="seconds")) for check in dict.fromkeys(names))


def find_login_name() -> str:
    """The name of the user that runs this process; in a container the user may have no name."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def judge(figures: Figures, accepted: Sequence[Accepted], checks: Sequence[GateCheck] = CHECKS) -> list[CheckOutcome]:
    overrides = {acceptance.check: acceptance for acceptance in accepted}
    outcomes = []
    for check in checks:
        finding = check.find(figures)
        override = None if finding.passed else overrides.get(check.name)
        outcomes.append(
            CheckOutcome(check.name, "ok" if finding.passed else "accepted" if override else "failed", finding.says, override)
        )
    return outcomes


def require_open(outcomes: Sequence[CheckOutcome], day: date) -> None:
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if failed:
        raise GateClosed(failed, len(outcomes), day)


def summarise(outcomes: Sequence[CheckOutcome]) -> str:
    accepted = [outcome.name for outcome in outcomes if outcome.state == "accepted"]
    count = f"{len(outcomes)} checks"
    return f"{count}, failed but accepted: {', '.join(accepted)}" if accepted else f"{count} passed"

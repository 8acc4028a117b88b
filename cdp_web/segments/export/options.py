"""What an export contains, read from the parameters of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from django.core.exceptions import ValidationError
from django.http import QueryDict

from cdp.errors import did_you_mean
from cdp.metrics import BY_KEY, METRICS, Metric
from cdp_web.layout.pages import parse_whole_number
from cdp_web.serving.snapshot_query import LIST_COLUMNS

Format = Literal["csv", "parquet"]
Ids = Literal["plain", "sha256"]
FORMATS: tuple[Format, ...] = get_args(Format)
IDS: tuple[Ids, ...] = get_args(Ids)
ALL = "all"


@dataclass(frozen=True, slots=True)
class ExportOptions:
    format: Format = "csv"
    columns: tuple[Metric, ...] = LIST_COLUMNS
    ids: Ids = "plain"
    run_id: int | None = None  # the current one
    since_id: int | None = None  # all members


def parse_options(parameters: QueryDict) -> ExportOptions:
    """Raises ValidationError with a message for each parameter that is wrong."""
    errors: dict[str, str] = {}
    format, ids = parameters.get("format") or "csv", parameters.get("ids") or "plain"
    if format not in FORMATS:
        errors["format"] = f"format must be one of {', '.join(FORMATS)}."
    if ids not in IDS:
        errors["ids"] = f"ids must be one of {', '.join(IDS)}."
    columns = _split_columns(parameters)
    if unknown := next((key for key in columns if key not in BY_KEY and key != ALL), None):
        errors["columns"] = (
            f"columns has no metric {unknown[:60]!r}; {did_you_mean(unknown, BY_KEY, '/api/v1/catalogue lists all.')}"
        )
    numbers = {name: _parse_run(parameters, name, errors) for name in ("run", "changes_since")}
    if errors:
        raise ValidationError(errors)
    return ExportOptions(
        next(each for each in FORMATS if each == format),
        _select_metrics(columns),
        next(each for each in IDS if each == ids),
        numbers["run"],
        numbers["changes_since"],
    )


def _split_columns(parameters: QueryDict) -> list[str]:
    """`columns=a,b` and `columns=a&columns=b` are the same; each column counts once."""
    words = [word.strip() for text in parameters.getlist("columns") for word in text.split(",")]
    return list(dict.fromkeys(word for word in words if word))


def _select_metrics(columns: list[str]) -> tuple[Metric, ...]:
    if ALL in columns:
        return METRICS
    return tuple(BY_KEY[key] for key in columns) or LIST_COLUMNS


def _parse_run(parameters: QueryDict, name: str, errors: dict[str, str]) -> int | None:
    text = parameters.get(name)
    if not text:
        return None
    number = parse_whole_number(text)
    if number is None:
        errors[name] = f"{name} must be the number of a run."
    return number

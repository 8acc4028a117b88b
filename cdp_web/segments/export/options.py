"""What an export contains, read from the parameters of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _

from cdp.errors import did_you_mean
from cdp.metrics import BY_KEY, METRICS, Metric
from cdp_web.layout.pages import parse_whole_number
from cdp_web.serving.snapshot_query import LIST_COLUMNS

Format = Literal["csv", "parquet"]
Ids = Literal["plain", "sha256"]
#: Columns with personal data, of which a file has both or none.
PERSONAL_COLUMNS = ("name", "email")
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
    #: With the columns of PERSONAL_COLUMNS.
    is_personal: bool = False


def parse_options(parameters: QueryDict) -> ExportOptions:
    """Raises ValidationError with a message for each parameter that is wrong."""
    errors: dict[str, str] = {}
    is_personal = asks_for_people(parameters)
    format, ids = FORMATS[0], IDS[0]
    try:
        format = parse_format(parameters)
    except ValidationError as error:
        errors["format"] = " ".join(error.messages)
    try:
        ids = parse_ids(parameters)
    except ValidationError as error:
        errors["ids"] = " ".join(error.messages)
    if is_personal and ids != "plain":
        errors["personal"] = _("Names and e-mail addresses would undo the hashing of the ids. Choose one of the two.")
    columns = LIST_COLUMNS
    try:
        columns = read_columns(parameters)
    except ValidationError as error:
        errors["columns"] = " ".join(error.messages)
    numbers = {name: _parse_run(parameters, name, errors) for name in ("run", "changes_since")}
    if errors:
        raise ValidationError(errors)
    return ExportOptions(
        format,
        columns,
        ids,
        numbers["run"],
        numbers["changes_since"],
        is_personal,
    )


def asks_for_people(parameters: QueryDict) -> bool:
    """Whether the file is to have names and e-mail addresses."""
    return parameters.get("personal") in ("1", "true")


def parse_format(parameters: QueryDict) -> Format:
    """Raises ValidationError for an unknown format."""
    text = parameters.get("format") or "csv"
    if text not in FORMATS:
        raise ValidationError(f"format must be one of {', '.join(FORMATS)}.")
    return next(each for each in FORMATS if each == text)


def parse_ids(parameters: QueryDict) -> Ids:
    """Raises ValidationError for an unknown way to write ids."""
    text = parameters.get("ids") or "plain"
    if text not in IDS:
        raise ValidationError(f"ids must be one of {', '.join(IDS)}.")
    return next(each for each in IDS if each == text)


def read_columns(parameters: QueryDict, name: str = "columns") -> tuple[Metric, ...]:
    """The metrics that a parameter names; without it those of the list. Raises ValidationError for an unknown one."""
    columns = _split_columns(parameters, name)
    if unknown := next((key for key in columns if key not in BY_KEY and key != ALL), None):
        hint = did_you_mean(unknown, BY_KEY, "/api/v1/catalogue lists all.")
        raise ValidationError(f"{name} has no metric {unknown[:60]!r}; {hint}")
    return _select_metrics(columns)


def _split_columns(parameters: QueryDict, name: str) -> list[str]:
    """`columns=a,b` and `columns=a&columns=b` are the same; each column counts once."""
    words = [word.strip() for text in parameters.getlist(name) for word in text.split(",")]
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

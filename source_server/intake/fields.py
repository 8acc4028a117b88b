"""Translates a mapping into SQL: the value of each field, the rows that are left out, and the changes by condition."""

from __future__ import annotations

from cdp.events import FIELDS
from cdp.events.reading.sql import literal, name
from source_server.intake.mapping import Change, Condition, FieldRule, Mapping, Shape

#: Time formats that are not strptime patterns.
ISO, EPOCH, EPOCH_MS = "iso", "epoch", "epoch_ms"
_WHOLE_DOT_ZERO = r"^\s*([+-]?\d+)\.0*\s*$"
_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)$"
_MOST_DIGITS = 36  # of two factors together, so that their product in hundredths fits an integer of the engine
#: Fields whose numbers may use the file's own notation.
NUMBER_FIELDS = ("price", "quantity", "amount")


def make_field_sql(mapping: Mapping, columns: tuple[str, ...]) -> dict[str, str]:
    """Field -> SQL of its text. A column with a field's name is used unchanged unless the mapping says otherwise."""
    rules = dict(mapping.fields)
    constants = dict(mapping.constants)
    values: dict[str, str] = {}
    for field in _list_fields(mapping, columns):
        value = literal(constants[field]) if field in constants else _make_value(rules.get(field), field, mapping.shape)
        for change in reversed(mapping.changes):
            value = _apply_change(field, value, change, mapping.shape)
        values[field] = value
    return values


def _list_fields(mapping: Mapping, columns: tuple[str, ...]) -> list[str]:
    mapped = {field for field, _ in (*mapping.fields, *mapping.constants)}
    mapped |= {field for change in mapping.changes for field, _ in change.constants}
    # A column `amount` that the mapping uses as the unit price is not also the amount of the line.
    prices = {column for field, rule in mapping.fields if field == "price" for column in rule.columns}
    unchanged = set(columns) - ({"amount"} & prices)
    return [field.name for field in FIELDS if field.name in mapped or field.name in unchanged]


def _apply_change(field: str, value: str, change: Change, shape: Shape) -> str:
    constants = dict(change.constants)
    if field in constants:
        return f"CASE WHEN {condition(change.when, shape)} THEN {literal(constants[field])} ELSE {value} END"
    if field in change.absolute:
        return f"CASE WHEN {condition(change.when, shape)} THEN {_absolute(value)} ELSE {value} END"
    return value


def _absolute(value: str) -> str:
    return f"regexp_replace({value}, '^\\s*-', '')"


def _make_value(rule: FieldRule | None, field: str, shape: Shape) -> str:
    if rule is None:
        return name(field) if field not in NUMBER_FIELDS else _number(name(field), shape)
    if len(rule.columns) > 1:
        parts = [f"trim({name(column)})" for column in rule.columns]
        value = "(" + f" || {literal(rule.join)} || ".join(parts) + ")"
    else:
        value = name(rule.columns[0])
    value = _clean(value, rule)
    value = _number(value, shape) if field in NUMBER_FIELDS else value
    value = _product(value, _number(name(rule.times), shape)) if rule.times else value
    value = _absolute(value) if rule.absolute else value
    if rule.levels:
        value = _levels(value, rule.levels)
    if rule.formats:
        value = _time(value, rule.formats, rule.zone or "UTC")
    return value


def _clean(value: str, rule: FieldRule) -> str:
    if rule.strip_prefix:
        prefix, rest = literal(rule.strip_prefix), f"substr(trim({value}), {len(rule.strip_prefix) + 1})"
        value = f"CASE WHEN starts_with(trim({value}), {prefix}) THEN {rest} ELSE {value} END"
    if rule.strip_suffix:
        suffix = literal(rule.strip_suffix)
        value = f"CASE WHEN suffix(trim({value}), {suffix}) THEN left(trim({value}), -{len(rule.strip_suffix)}) ELSE {value} END"
    if rule.whole:
        value = f"regexp_replace({value}, {literal(_WHOLE_DOT_ZERO)}, '\\1')"
    if rule.lower:
        value = f"lower({value})"
    if rule.values:
        cases = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in rule.values)
        value = f"CASE trim({value}) {cases} ELSE {literal(rule.default) if rule.default is not None else value} END"
    elif rule.default is not None:
        value = f"coalesce(nullif(trim({value}), ''), {literal(rule.default)})"
    return value


def _levels(value: str, between: str) -> str:
    """Levels joined by points. A point inside a level would split it and is removed."""
    levels = f"string_split(replace({value}, '.', ''), {literal(between)})"
    return f"array_to_string(list_transform({levels}, lambda level: trim(level)), '.')"


def _number(value: str, shape: Shape) -> str:
    """Convert a number from the file's notation to a decimal point. A text in another notation stays unchanged."""
    if shape.decimal == "." and not shape.thousands:
        return value
    groups = f"\\d{{1,3}}({_escaped(shape.thousands)}\\d{{3}})+|" if shape.thousands else ""
    looks = f"^\\s*[+-]?({groups}\\d+)({_escaped(shape.decimal)}\\d*)?\\s*$"
    bare = f"replace({value}, {literal(shape.thousands)}, '')" if shape.thousands else value
    pointed = f"replace({bare}, {literal(shape.decimal)}, '.')"
    return f"CASE WHEN regexp_matches({value}, {literal(looks)}) THEN {pointed} ELSE {value} END"


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if not char.isalnum() and char.isascii() and not char.isspace() else char for char in text)


def _product(one: str, other: str) -> str:
    """Multiply in whole numbers and round half up to cents. A missing second factor counts as 1. If a factor is not a number, or
    they have too many digits, both texts are joined by ×, which is no number, so the row is refused."""
    factors = f"{{'one': trim({one}), 'other': trim({other})}}"
    digits = " + ".join(f"length(regexp_replace(f.{factor}, '[^0-9]', '', 'g'))" for factor in ("one", "other"))
    is_readable = " AND ".join(f"regexp_matches(f.{factor}, {literal(_NUMBER)})" for factor in ("one", "other"))
    return f"""list_transform([{factors}], lambda f:
        CASE WHEN f.one IS NULL OR f.one = '' OR f.other IS NULL OR f.other = '' THEN f.one
             WHEN NOT ({is_readable}) OR {digits} > {_MOST_DIGITS} THEN f.one || ' × ' || f.other
             ELSE {_multiplied("f.one", "f.other")} END)[1]"""


def _multiplied(one: str, other: str) -> str:
    """The last two digits of `cents` go behind the point. A negative product keeps its minus even if it rounds to zero: the
    contract refuses negative prices."""
    whole, decimals = (
        [text.format(factor) for factor in (one, other)]
        for text in ("CAST(regexp_replace({}, '[^0-9]', '', 'g') AS HUGEINT)", "length(split_part({}, '.', 2))")
    )
    exact = f"{{'product': {' * '.join(whole)}, 'decimals': {' + '.join(decimals)}}}"
    ten_to = "CAST('1' || repeat('0', {}) AS HUGEINT)".format
    cents = (
        f"CASE WHEN p.decimals <= 2 THEN p.product * {ten_to('2 - p.decimals')}"
        f" ELSE (p.product + {ten_to('p.decimals - 2')} // 2) // {ten_to('p.decimals - 2')} END"
    )
    minus = f"CASE WHEN starts_with({one}, '-') <> starts_with({other}, '-') AND p.product <> 0 THEN '-' ELSE '' END"
    written = f"{minus} || CAST(cents // 100 AS VARCHAR) || '.' || lpad(CAST(cents % 100 AS VARCHAR), 2, '0')"
    return f"list_transform([{exact}], lambda p: list_transform([{cents}], lambda cents: {written})[1])[1]"


def _time(value: str, formats: tuple[str, ...], zone: str) -> str:
    """Parse with the first format that fits; local times become UTC. A text that fits none stays unchanged."""
    tries = [_instant("t", format_, zone) for format_ in formats]
    instant = tries[0] if len(tries) == 1 else f"coalesce({', '.join(tries)})"
    written = (
        "CASE WHEN microsecond(i) % 1000000 = 0 THEN strftime(i, '%Y-%m-%d %H:%M:%S UTC')"
        " ELSE strftime(i, '%Y-%m-%dT%H:%M:%S.%fZ') END"
    )
    with_zone = "regexp_matches(t, '(Z|UTC|[+-]\\d\\d(:?\\d\\d)?)$') AND regexp_matches(t, '^\\d{4}-.*:')"
    text = f"coalesce(list_transform([{instant}], lambda i: {written})[1], t)"
    if ISO in formats:
        text = f"CASE WHEN {with_zone} THEN t ELSE {text} END"
    return f"list_transform([trim({value})], lambda t: {text})[1]"


def _instant(text: str, format_: str, zone: str) -> str:
    """SQL of a timestamp in UTC, null if the text is not in the format."""
    if format_ in (EPOCH, EPOCH_MS):
        # As many digits as DuckDB's times allow: seconds up to the year 33658, milliseconds up to 2286.
        factor, digits = (1_000_000, 12) if format_ == EPOCH else (1_000, 13)
        return (
            f"CASE WHEN regexp_matches({text}, '^\\d{{1,{digits}}}$') THEN make_timestamp(CAST({text} AS BIGINT) * {factor}) END"
        )
    if format_ == ISO:
        local = f"CASE WHEN regexp_matches({text}, '^\\d{{4}}-\\d\\d-\\d\\d') THEN try_cast({text} AS TIMESTAMP) END"
    else:
        local = f"try_strptime({text}, {literal(format_)})"
    if zone.upper() in ("UTC", "ETC/UTC"):
        return f"CAST({local} AS TIMESTAMP)"
    return f"CAST(timezone({literal(zone)}, CAST({local} AS TIMESTAMP)) AS TIMESTAMP)"


def condition(when: Condition, shape: Shape) -> str:
    """Always true or false, never null: an empty value is an empty text and not a number."""
    text = f"coalesce(trim({name(when.column)}), '')"
    return "(" + " AND ".join(_TESTS[test](text, value, shape) for test, value in when.tests) + ")"


def _as_number(text: str, shape: Shape) -> str:
    return f"try_cast({_number(text, shape)} AS DECIMAL(38, 9))"


_TESTS = {
    "equals": lambda text, value, shape: f"{text} IN ({', '.join(literal(str(each)) for each in value)})",
    "starts_with": lambda text, value, shape: f"starts_with({text}, {literal(value)})",
    "matches": lambda text, value, shape: f"regexp_matches({text}, {literal(value)})",
    "is_empty": lambda text, value, shape: f"({text} = '') = {'true' if value else 'false'}",
    "less_than": lambda text, value, shape: f"coalesce({_as_number(text, shape)} < {value}, false)",
}


def make_skip_sql(mapping: Mapping) -> str:
    """SQL of the number of the first rule that leaves the row out, 0 if none does."""
    whens = " ".join(
        f"WHEN {condition(skip.when, mapping.shape)} THEN {place}" for place, skip in enumerate(mapping.skips, start=1)
    )
    return f"CASE {whens} ELSE 0 END" if whens else "0"

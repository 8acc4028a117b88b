"""Each folder imports only the project folders that it may."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

#: Folder -> other project folders that it may import.
MAY_IMPORT: dict[str, set[str]] = {
    "cdp": set(),
    "source_server": {"cdp"},
    "streaming": {"cdp"},
    "batch": {"cdp"},
    "dags": {"cdp"},
    "cdp_web": {"cdp"},
    "infra": {"cdp"},
}
#: cdp imports only the standard library and sqlglot. Exceptions: Spark, the reading of messages, models as arrays.
CDP_LIBRARIES = {"sqlglot"}
READING = {"duckdb", "numpy", "pyarrow"}
#: Models are arrays, which training, serving and the site compute with.
RECOMMEND = {"numpy"}
#: Services of several folders answer over HTTP.
HTTP = {"fastapi", "starlette"}
CDP_EXCEPTIONS = (
    {"cdp/spark.py": {"pyspark", "py4j"}}
    | {f"cdp/events/reading/{name}.py": READING for name in ("reader", "sql", "texts")}
    | {f"cdp/http/{name}.py": HTTP for name in ("access", "description", "problems")}
    | {f"cdp/recommend/{name}.py": RECOMMEND for name in ("histories", "models", "parts", "online", "publications")}
)


def find_imports(path: Path) -> set[str]:
    """The top-level packages that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def list_files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_folder_imports_only_what_it_may(folder: str) -> None:
    ours = set(MAY_IMPORT) | {"tests", "benchmarks"}
    wrong = {
        str(path.relative_to(ROOT)): sorted(extra)
        for path in list_files(folder)
        if (extra := find_imports(path) & ours - MAY_IMPORT[folder] - {folder})
    }
    assert wrong == {}


def test_cdp_needs_only_the_standard_library_and_sqlglot() -> None:
    wrong = {}
    for path in list_files("cdp"):
        name = str(path.relative_to(ROOT))
        extra = find_imports(path) - set(sys.stdlib_module_names) - {"cdp"} - CDP_LIBRARIES - CDP_EXCEPTIONS.get(name, set())
        if extra:
            wrong[name] = sorted(extra)
    assert wrong == {}

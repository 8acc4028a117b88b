""".env for docker compose: created once, completed later; values in it are never changed, and only the owner can read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp.settings import env_name, load, secrets_to_make
from infra.stack import env_file
from infra.stack.env_file import COMPOSE_VARIABLES, parse_env, write_env
from infra.stack.stack import Stack, StackError

NEEDED = {env_name(name) for name in secrets_to_make()} | {variable.name for variable in COMPOSE_VARIABLES}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A stack that has no secrets yet."""
    return Stack(load({"CDP_VAR_DIR": str(tmp_path / "var")}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_a_new_file_has_all_that_compose_needs(stack: Stack, path: Path) -> None:
    added = write_env(stack, path)
    values = parse_env(path.read_text())
    assert set(added) == values.keys() == NEEDED
    assert all(values.values())
    passwords = [values[name] for name in NEEDED if "PASSWORD" in name]
    assert len(set(passwords)) == len(passwords), "all differ"


def test_only_the_owner_reads_it(stack: Stack, path: Path) -> None:
    path.write_text("")
    path.chmod(0o644)
    write_env(stack, path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_run_changes_nothing(stack: Stack, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_env(stack, path)
    before = path.read_text()
    capsys.readouterr()
    assert write_env(stack, path) == []
    assert path.read_text() == before
    assert capsys.readouterr().err == f"{path}: nothing was missing\n"


def test_it_names_what_it_added_and_shows_no_secret(stack: Stack, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    added = write_env(stack, path)
    output = capsys.readouterr()
    assert all(name in output.err for name in added)
    secrets = [value for name, value in parse_env(path.read_text()).items() if len(value) > 10]
    assert secrets
    assert not [value for value in secrets if value in output.out + output.err]


def test_values_in_the_file_are_kept(stack: Stack, path: Path) -> None:
    path.write_text("# mine\nCDP_ADMIN_PASSWORD='of my own'\n\nCDP_CURRENCY=EUR\nexport MONGO_USER=shop\n")
    added = write_env(stack, path)
    text = path.read_text()
    assert text.startswith("# mine\nCDP_ADMIN_PASSWORD='of my own'\n\nCDP_CURRENCY=EUR\nexport MONGO_USER=shop\n")
    assert not {"CDP_ADMIN_PASSWORD", "CDP_CURRENCY", "MONGO_USER"} & set(added)


def test_a_copy_of_the_example_is_filled_in_its_places(stack: Stack, path: Path) -> None:
    path.write_text("# Password of Redis.\nCDP_REDIS_PASSWORD=\n#CDP_STACK=demo\n")
    write_env(stack, path)
    lines = path.read_text().splitlines()
    assert lines[1].startswith("CDP_REDIS_PASSWORD=")
    assert parse_env(path.read_text())["CDP_REDIS_PASSWORD"]
    assert path.read_text().count("CDP_REDIS_PASSWORD") == 1
    assert "#CDP_STACK=demo" in lines


def test_a_secret_of_the_stack_is_reused(tmp_path: Path, path: Path) -> None:
    stack = Stack(load({"CDP_VAR_DIR": str(tmp_path), "CDP_ADMIN_PASSWORD": "of the native stack"}))
    write_env(stack, path)
    assert parse_env(path.read_text())["CDP_ADMIN_PASSWORD"] == "of the native stack"


@pytest.mark.parametrize("name", env_file.IN_ADDRESSES)
def test_a_value_that_becomes_part_of_a_url_must_be_plain(name: str, stack: Stack, path: Path) -> None:
    path.write_text(f"{name}=p@ss/word\n")
    with pytest.raises(StackError, match=name) as error:
        write_env(stack, path)
    assert "p@ss" not in str(error.value)
    assert path.read_text() == f"{name}=p@ss/word\n"


@given(
    st.lists(st.tuples(st.sampled_from([*sorted(NEEDED), "OTHER"]), st.text("abc-_.", max_size=4)), max_size=12),
    st.sampled_from(["", "# a comment\n", "\n"]),
)
def test_any_file_is_completed_and_keeps_its_values(pairs: list[tuple[str, str]], head: str) -> None:
    text = head + "".join(f"{name}={value}\n" for name, value in pairs)
    missing = {name: "made" for name in NEEDED if not parse_env(text).get(name)}
    after = parse_env(env_file._fill_in(text, missing))
    assert {name: value for name, value in parse_env(text).items() if value}.items() <= after.items()
    assert all(after[name] for name in NEEDED)

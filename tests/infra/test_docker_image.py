"""infra/docker/Dockerfile and .dockerignore: rules of a clean image; the files that it copies exist and are sufficient."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cdp.settings import REPOSITORY

DOCKERFILE = REPOSITORY / "infra" / "docker" / "Dockerfile"
IGNORE = REPOSITORY / ".dockerignore"
#: Folders of code that the image must carry; tests, docs and benchmarks stay outside.
CODE = {"cdp", "infra", "source_server", "streaming", "batch", "dags", "cdp_web", "manage.py", "run", "requirements.lock"}
NEVER = (".venv", "var", ".jars", ".git", ".env", ".env.example", "tests", "docs", "node_modules")


def read_instructions() -> list[tuple[str, str]]:
    """Keyword and the rest of each instruction: continued lines are joined, comments left out."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in joined.splitlines() if line.strip()]


def find_instructions(keyword: str) -> list[str]:
    return [rest for name, rest in read_instructions() if name == keyword]


def read_copies() -> list[tuple[str, list[str], str]]:
    """Stage (empty for the repository), sources and target of each COPY."""
    copies = []
    for rest in find_instructions("COPY"):
        words = shlex.split(rest)
        options = [word for word in words if word.startswith("--")]
        paths = [word for word in words if not word.startswith("--")]
        stage = next((option.removeprefix("--from=") for option in options if option.startswith("--from=")), "")
        copies.append((stage, paths[:-1], paths[-1]))
    return copies


def find_own_sources() -> list[str]:
    return [source for stage, sources, _ in read_copies() if not stage for source in sources]


def test_the_base_is_pinned() -> None:
    stages = {rest.split(" AS ")[1] for rest in find_instructions("FROM") if " AS " in rest}
    for rest in find_instructions("FROM"):
        image, _, tag = rest.split(" AS ")[0].partition(":")
        assert image in stages or re.match(r"\d+\.\d+", tag), rest


def test_it_does_not_run_as_root() -> None:
    assert find_instructions("USER")[-1] not in ("root", "0")
    keywords = [keyword for keyword, _ in read_instructions()]
    assert keywords.index("USER") > max(i for i, keyword in enumerate(keywords) if keyword in ("RUN", "COPY")), (
        "nothing runs after it"
    )


def test_apt_installs_little_and_cleans_up() -> None:
    for rest in find_instructions("RUN"):
        if "apt-get install" in rest:
            assert "apt-get update" in rest, "in the same layer, or an old package list is used"
            assert "-y --no-install-recommends" in rest
            assert rest.rstrip().endswith("rm -rf /var/lib/apt/lists/*")


def test_python_packages_come_by_hash_and_leave_no_cache() -> None:
    (install,) = [rest for rest in find_instructions("RUN") if "pip install" in rest]
    assert {"--no-cache-dir", "--require-hashes"} <= set(install.split())


def test_nothing_is_added_from_elsewhere() -> None:
    assert find_instructions("ADD") == []
    assert not [rest for rest in find_instructions("RUN") if re.search(r"\b(curl|wget|sudo)\b", rest)]


def test_commands_are_in_exec_form() -> None:
    assert all(rest.startswith("[") for rest in find_instructions("CMD") + find_instructions("ENTRYPOINT"))


def test_work_happens_in_absolute_folders() -> None:
    assert all(rest.startswith("/") for rest in find_instructions("WORKDIR"))


def test_no_secret_is_baked_in() -> None:
    assert not re.search(r"PASSWORD|SECRET|TOKEN", DOCKERFILE.read_text())


def test_copied_files_exist() -> None:
    assert [source for source in find_own_sources() if not (REPOSITORY / source).exists()] == []


def test_all_code_is_copied() -> None:
    final = max(i for i, (keyword, _) in enumerate(read_instructions()) if keyword == "FROM")
    last = [shlex.split(rest) for keyword, rest in read_instructions()[final:] if keyword == "COPY" and "--from" not in rest]
    assert {word for words in last for word in words[:-1]} == CODE


# ---------------------------------------------------------------- .dockerignore


def read_rules() -> list[str]:
    return [line for line in IGNORE.read_text().splitlines() if line and not line.startswith("#")]


def find_allowed() -> set[str]:
    return {rule.removeprefix("!") for rule in read_rules() if rule.startswith("!")}


def test_nothing_is_sent_unless_named() -> None:
    assert read_rules()[0] == "*"


@pytest.mark.parametrize("name", NEVER)
def test_state_and_secrets_are_never_sent(name: str) -> None:
    assert name not in {path.split("/")[0] for path in find_allowed()}


def test_copied_files_are_sent() -> None:
    assert {source.split("/")[0] for source in find_own_sources()} == find_allowed()


def test_compiled_files_are_not_sent() -> None:
    assert "**/__pycache__" in read_rules()
    assert read_rules().index("**/__pycache__") > max(i for i, rule in enumerate(read_rules()) if rule.startswith("!"))


# ---------------------------------------------------------------- the stage of the jars


@pytest.mark.subprocess
def test_the_stage_of_the_jars_copies_all_that_it_imports(tmp_path: Path) -> None:
    """It copies only a few files, so a change elsewhere does not download the jars again."""
    start = next(i for i, (keyword, rest) in enumerate(read_instructions()) if keyword == "FROM" and rest.endswith(" AS jars"))
    for keyword, rest in read_instructions()[start:]:
        if keyword == "COPY" and "--from" not in rest:
            *sources, target = shlex.split(rest)
            for source in sources:
                _copy(source, tmp_path / target / (Path(source).name if target.endswith("/") else ""))
        if keyword == "FROM" and not rest.endswith(" AS jars"):
            break
    code = "from infra.stack import tools; print(len(tools._hash_sources()), tools.SUMS.exists())"
    # That stage has a bare Python: -S leaves out the installed packages.
    result = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}
    )
    assert result.stdout == "64 True\n", result.stderr


def _copy(source: str, target: Path) -> None:
    files = [REPOSITORY / source] if (REPOSITORY / source).is_file() else [*(REPOSITORY / source).rglob("*")]
    for file in files:
        if file.is_file():
            place = (
                target if len(files) == 1 and (REPOSITORY / source).is_file() else target / file.relative_to(REPOSITORY / source)
            )
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())

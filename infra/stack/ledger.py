"""./run ledger: runs the ledger programs of the source and of the stream. The stream's gets the number of messages that Kafka
acknowledged to the source, so it can show how many wait in between."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from infra.stack import programs
from infra.stack.stack import Stack, StackError


def show(stack: Stack, recount: bool) -> int:
    """Print one half after the other; the first is shown even if the second cannot reach its servers."""
    reported: set[str] = set()
    source, code = _run_half(stack, programs.SOURCE_LEDGER, reported=reported)
    print(flush=True)
    return _run_half(stack, programs.STREAM_LEDGER, *_arguments(source, recount), reported=reported)[1] or code


def show_json(stack: Stack, recount: bool) -> int:
    reported: set[str] = set()
    source, code = _run_half(stack, programs.SOURCE_LEDGER, "--quiet", reported=reported)
    stream, stream_code = _run_half(stack, programs.STREAM_LEDGER, "--quiet", *_arguments(source, recount), reported=reported)
    print(json.dumps({"adds_up": not (code or stream_code), "source": source, "stream": stream}, indent=1))
    return code or stream_code


def _arguments(source: dict[str, Any] | None, recount: bool) -> list[str]:
    options = ["--acknowledged", str(source["acknowledged"])] if source else []
    return [*options, "--recount"] if recount else options


def _run_half(stack: Stack, program: programs.Program, *arguments: str, reported: set[str]) -> tuple[dict[str, Any] | None, int]:
    """The program's JSON and exit status. None if a server is missing; the same reason is printed only once."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.json"
        try:
            code = programs.run(stack, program, [*arguments, "--json", str(file)])
        except StackError as error:
            if str(error) not in reported:
                print(f"run: {error}", file=sys.stderr)
            reported.add(str(error))
            return None, 1
        return (json.loads(file.read_text()) if file.exists() else None), code

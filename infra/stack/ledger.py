"""./run ledger: the source's half and the stream's, each a program of its folder. The second is told how many messages
Kafka has acknowledged to the first, so that it can say what waits in between."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from infra.stack import programs
from infra.stack.stack import Stack, StackError


def show(stack: Stack, recount: bool) -> int:
    """One after the other; what the first says stands also where a server of the second is away."""
    missed: set[str] = set()
    source, code = _told(stack, programs.SOURCE_LEDGER, missed=missed)
    print(flush=True)
    return _told(stack, programs.STREAM_LEDGER, *_arguments(source, recount), missed=missed)[1] or code


def show_json(stack: Stack, recount: bool) -> int:
    missed: set[str] = set()
    source, code = _told(stack, programs.SOURCE_LEDGER, "--quiet", missed=missed)
    stream, stream_code = _told(stack, programs.STREAM_LEDGER, "--quiet", *_arguments(source, recount), missed=missed)
    print(json.dumps({"adds_up": not (code or stream_code), "source": source, "stream": stream}, indent=1))
    return code or stream_code


def _arguments(source: dict[str, Any] | None, recount: bool) -> list[str]:
    told = ["--acknowledged", str(source["acknowledged"])] if source else []
    return [*told, "--recount"] if recount else told


def _told(stack: Stack, program: programs.Program, *arguments: str, missed: set[str]) -> tuple[dict[str, Any] | None, int]:
    """What it found, and its status. Nothing where it could not look: then it has said why, unless that was said before."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "told.json"
        try:
            code = programs.run(stack, program, [*arguments, "--json", str(file)])
        except StackError as error:
            if str(error) not in missed:
                print(f"run: {error}", file=sys.stderr)
            missed.add(str(error))
            return None, 1
        return (json.loads(file.read_text()) if file.exists() else None), code

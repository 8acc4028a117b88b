"""Servers that hold nothing yet, on the benchmarks' own stack."""

from __future__ import annotations

import shutil

from infra.stack import lifecycle
from infra.stack.stack import Stack, open_stack


def anew(needs: tuple[str, ...]) -> Stack:
    """What is there goes first; its secrets go with it."""
    stack = open_stack()
    if stack.state.exists():
        gone(stack)
    lifecycle.up(open_stack(), needs)
    return open_stack()


def gone(stack: Stack) -> None:
    lifecycle.down(open_stack())
    shutil.rmtree(stack.state, ignore_errors=True)

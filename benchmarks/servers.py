"""Servers without data, on the benchmarks' own stack."""

from __future__ import annotations

import shutil

from infra.stack import lifecycle
from infra.stack.stack import Stack, open_stack


def start_empty(needs: tuple[str, ...]) -> Stack:
    """Remove the stack with its data and secrets, then start these services."""
    stack = open_stack()
    if stack.state.exists():
        remove_stack(stack)
    lifecycle.up(open_stack(), needs)
    return open_stack()


def remove_stack(stack: Stack) -> None:
    lifecycle.down(open_stack())
    shutil.rmtree(stack.state, ignore_errors=True)

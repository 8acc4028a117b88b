"""How many examples a generated test takes: a quarter in `./run test`, and all in `./run test --all`."""

from __future__ import annotations

from hypothesis import settings

from infra.stack.checks import ALL_EXAMPLES

settings.register_profile(ALL_EXAMPLES)


def limit_examples(count: int) -> int:
    """`count` in the profile of `--all`, else a quarter of it, but a few."""
    return count if settings.get_current_profile_name() == ALL_EXAMPLES else max(3, count // 4)

"""Passwords and keys: generated once for a stack and kept in files that only their owner can read."""

from __future__ import annotations

import base64
import os
import secrets

from cdp.settings import load, secrets_to_make
from infra.stack.stack import Stack, write_private


def make_secret(kind: str) -> str:
    if kind == "fernet":
        return base64.urlsafe_b64encode(os.urandom(32)).decode()
    return secrets.token_hex(32 if kind == "key" else 24)


def ensure_secrets(stack: Stack) -> Stack:
    """The stack with all its secrets. Missing ones are generated; those from the environment are used as they are."""
    stack.secrets_dir.mkdir(parents=True, exist_ok=True)
    stack.secrets_dir.chmod(0o700)
    for name, kind in secrets_to_make().items():
        if not getattr(stack.settings, name):
            write_private(stack.secrets_dir / name, make_secret(kind) + "\n")
    return Stack(load())

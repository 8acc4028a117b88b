"""Passwords and keys: made once for a stack, kept in files that only their owner reads."""

from __future__ import annotations

import base64
import os
import secrets

from cdp.settings import load, secrets_to_make
from infra.stack.stack import Stack, write_private


def make(how: str) -> str:
    if how == "fernet":
        return base64.urlsafe_b64encode(os.urandom(32)).decode()
    return secrets.token_hex(24)


def ensure_secrets(stack: Stack) -> Stack:
    """The stack with every secret that it makes for itself; those the environment gives stay as they are."""
    stack.secrets_dir.mkdir(parents=True, exist_ok=True)
    stack.secrets_dir.chmod(0o700)
    for name, how in secrets_to_make().items():
        if not getattr(stack.settings, name):
            write_private(stack.secrets_dir / name, make(how) + "\n")
    return Stack(load())

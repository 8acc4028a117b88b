"""The made history that benchmarks measure with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EVENTS_A_CUSTOMER = 20


def make_history(path: Path, events: int) -> None:
    customers = max(1, events // EVENTS_A_CUSTOMER)
    argv = [sys.executable, "-m", "source_server.generate", "--events", str(events), "--customers", str(customers)]
    subprocess.run([*argv, "--out", str(path)], check=True, stdout=subprocess.DEVNULL)

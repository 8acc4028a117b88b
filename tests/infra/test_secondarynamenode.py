"""The SecondaryNameNode turns the NameNode's changes into an image, so the NameNode starts quickly even after months."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from cdp.settings import Settings, load
from infra.stack.service import Unhealthy
from infra.stack.services import hdfs
from infra.stack.stack import Stack

HOUR = 3600


@pytest.mark.stack("namenode")
def test_an_image_is_made_of_the_changes_and_sent_to_the_namenode(servers: Stack, tmp_path: Path) -> None:
    own = {"HDFS_CHECKPOINT_DIR": str(tmp_path / "checkpoint"), "HDFS_SECONDARY_HTTP_PORT": "0"}
    argv = hdfs._build_java(servers.settings.namenode_heap, hdfs.SECONDARY_MAIN, "-checkpoint", "force")
    environment = servers.base_env | hdfs.build_environment(servers) | own
    result = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=90)
    assert result.returncode == 0, result.stdout + result.stderr
    images = (path.name for path in (tmp_path / "checkpoint" / "current").glob("fsimage_*") if not path.suffix)
    newest = int(max(images).removeprefix("fsimage_"))
    uploads = [line for line in (servers.log_dir / "namenode.log").read_text().splitlines() if "PUT /imagetransfer" in line]
    # The NameNode accepts the image, or answers that it has one of the last three quarters of an hour.
    assert f"imageFile=IMAGE&txid={newest}&" in uploads[-1]
    assert 'HTTP/1.1" 200' in uploads[-1] or 'HTTP/1.1" 409' in uploads[-1]


@pytest.mark.parametrize(
    ("seconds_up", "checkpoint_age", "message"),
    [
        (5 * HOUR, HOUR // 2, "last checkpoint 30 min ago, 7,000 changes since"),
        (HOUR // 2, 90 * HOUR, "last checkpoint 5400 min ago, 7,000 changes since"),
        (5 * HOUR, 4 * HOUR, "the NameNode's last checkpoint is 4 h old"),
    ],
    ids=["in time", "just started", "late"],
)
def test_its_health(seconds_up: int, checkpoint_age: int, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(url: str, remedy: str) -> Any:
        bean = {
            "SecondaryNameNodeInfo": {"StartTime": (time.time() - seconds_up) * 1000},
            "FSNamesystem": {
                "LastCheckpointTime": (time.time() - checkpoint_age) * 1000,
                "TransactionsSinceLastCheckpoint": 7000,
            },
        }
        return {"beans": [bean[url.rpartition("name=")[2]]]}

    monkeypatch.setattr(hdfs, "get_json", answer)
    assert describe_health(load()) == message


def describe_health(settings: Settings) -> str:
    try:
        return hdfs.SECONDARY.check_health(settings)
    except Unhealthy as error:
        return error.wrong

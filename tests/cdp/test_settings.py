"""The settings table: strict, with help for every setting."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from cdp.settings import SettingError, Settings, about, env_name, load, port_base


def test_defaults_use_the_settings_above_them() -> None:
    settings = load({"CDP_PORT_BASE": "21000"})
    assert settings.kafka_port == 21020
    assert settings.kafka_bootstrap == "127.0.0.1:21020"


def test_stacks_have_different_ports() -> None:
    stacks = {name: load({"CDP_STACK": name}) for name in ("demo", "test", "mine")}
    ports = [getattr(s, f.name) for s in stacks.values() for f in fields(Settings) if about(f).offset is not None]
    assert len(ports) == len(set(ports))
    assert port_base("mine") == port_base("mine")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CDP_WEB_PORT", "x", "CDP_WEB_PORT must be a whole number, not 'x'."),
        ("CDP_WEB_PORT", "0", "CDP_WEB_PORT must be 1 or more, not '0'."),
        ("CDP_WEB_PORT", "70000", "CDP_WEB_PORT must be a port from 1 to 65535, not '70000'."),
        ("CDP_WEB_DEBUG", "maybe", "CDP_WEB_DEBUG must be yes or no, not 'maybe'."),
        ("CDP_KAFKA_HEAP", "lots", r"CDP_KAFKA_HEAP must look like [1-9]\d*[mg], not 'lots'."),
        ("CDP_KAFKA_SECURITY", "NONE", "CDP_KAFKA_SECURITY must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL, not 'NONE'."),
        ("CDP_KAFKA_HEEP", "1g", "CDP_KAFKA_HEEP is not a setting; did you mean 'CDP_KAFKA_HEAP'?"),
        ("CDP_QQQ", "1", "CDP_QQQ is not a setting; docs/settings.md lists them all."),
    ],
)
def test_a_wrong_value_is_an_error_with_its_name(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingError) as caught:
        load({name: value})
    assert str(caught.value) == says


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    assert load({"CDP_POSTGRES_PASSWORD_FILE": str(secret)}).postgres_password == "s3cret"


def test_a_named_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"CDP_POSTGRES_PASSWORD_FILE names .*missing, which can't be read"):
        load({"CDP_POSTGRES_PASSWORD_FILE": str(tmp_path / "missing")})


def test_value_and_file_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="both set"):
        load({"CDP_ADMIN_PASSWORD": "a", "CDP_ADMIN_PASSWORD_FILE": str(tmp_path)})


def test_a_generated_secret_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "demo" / "secrets"
    folder.mkdir(parents=True)
    (folder / "admin_password").write_text("made\n")
    assert load({"CDP_VAR_DIR": str(tmp_path)}).admin_password == "made"


def test_secrets_are_never_printed() -> None:
    settings = load({"CDP_POSTGRES_PASSWORD": "hunter2", "CDP_MONGO_URL": "mongodb://u:hunter2@h"})
    assert "hunter2" not in repr(settings)
    with pytest.raises(SettingError) as caught:
        load({"CDP_POSTGRES_PASSWORD": "hunter2", "CDP_POSTGRES_PASSWORD_FILE": "x"})
    assert "hunter2" not in str(caught.value)


def test_every_setting_has_a_help_text() -> None:
    for field in fields(Settings):
        assert about(field).help.endswith("."), env_name(field.name)

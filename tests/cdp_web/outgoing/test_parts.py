"""Signatures and addresses of outgoing messages, without a server."""

from __future__ import annotations

import base64
import socket
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from cdp.settings import current
from cdp_web.outgoing import addresses
from cdp_web.outgoing.addresses import AddressRefused, is_public, target_read
from cdp_web.outgoing.signing import make_secret, sign


def test_the_signature_is_that_of_the_published_example() -> None:
    """The example of Svix' documentation, which Standard Webhooks took over."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == signature


def test_secrets_are_long_and_differ() -> None:
    first, second = make_secret(), make_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1",
        "::", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1", "ff02::1",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_addresses_of_the_internet_are_public(text: str) -> None:
    assert is_public(ip_address(text))


def resolve_to(monkeypatch: pytest.MonkeyPatch, *ips: str) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ips]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: answers)


def test_a_name_is_pinned_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.216.34")
    target = target_read("https://hooks.example.com:8443/in?a=1")
    assert str(target.pinned_url) == "https://93.184.216.34:8443/in?a=1"
    assert target.host_header == "hooks.example.com:8443"


def test_a_name_with_one_inner_address_is_refused_and_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.216.34", "10.0.0.7")
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.7.*CDP_WEBHOOK_PRIVATE=yes"):
        target_read("https://hooks.example.com/")


@pytest.mark.parametrize(
    "address", ["http://127.1/", "http://0x7f.1/", "http://2130706433/", "http://localhost/", "http://[::1]/"]
)
def test_other_spellings_of_this_machine_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        target_read(address)


def test_the_setting_allows_inner_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "current", lambda: replace(current(), webhook_private=True))
    assert target_read("http://127.0.0.1:9000/in").ip == "127.0.0.1"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hooks.example.com",
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "https://",
        "http://user:pw@93.184.216.34/",
        "http://a\0b/",
    ],
)
def test_what_is_not_an_address_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "93.184.216.34")
    with pytest.raises(AddressRefused):
        target_read(address)


def test_a_name_that_does_not_resolve_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(addresses.socket, "getaddrinfo", fail)
    with pytest.raises(AddressRefused, match="can't be resolved"):
        target_read("https://nowhere.example/")

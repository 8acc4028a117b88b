"""Which addresses a webhook may call. The site must not become a way into the network that it runs in."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx
from django.utils.translation import gettext as _

from cdp.settings import current

_Address = IPv4Address | IPv6Address
#: IPv6 addresses that a gateway turns into IPv4 addresses.
_NAT64 = ip_network("64:ff9b::/96")


class AddressRefused(ValueError):
    """The address can't be called; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: the connection goes to `ip`, so a name that resolves differently a moment later changes nothing."""

    url: httpx.URL
    ip: str

    @property
    def pinned_url(self) -> httpx.URL:
        return self.url.copy_with(host=self.ip)

    @property
    def host_header(self) -> str:
        return self.url.netloc.decode()


def target_read(text: str) -> Target:
    """Raises AddressRefused unless the text is an address that a webhook may call, with a name that resolves."""
    url = _parse(text)
    addresses = _resolve(url)
    if not current().webhook_private and (inside := [each for each in addresses if not is_public(each)]):
        raise AddressRefused(
            f"{url.host} is {inside[0]}, a loopback or private address. To call addresses of your own network, set "
            "CDP_WEBHOOK_PRIVATE=yes and start the site and its workers again."
        )
    return Target(url, str(addresses[0]))


def is_public(address: _Address) -> bool:
    """Whether the address is one of the internet, also after a translation to IPv4."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast


def _parse(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text.strip())
    except (httpx.InvalidURL, TypeError) as error:
        raise AddressRefused(_("This is not an address: %(error)s.") % {"error": error}) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise AddressRefused(_("The address must begin with https:// or http:// and name a host."))
    if url.userinfo:
        raise AddressRefused(_("The address must not contain a login; messages are signed instead."))
    return url


def _resolve(url: httpx.URL) -> list[_Address]:
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        answers = socket.getaddrinfo(url.raw_host.decode(), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(_("%(host)s can't be resolved: %(error)s.") % {"host": url.host, "error": error}) from error
    return [ip_address(str(answer[4][0]).partition("%")[0]) for answer in answers]

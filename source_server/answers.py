"""Answers that clients can cache: with an ETag, 304 if the client has the content already, and compressed on request."""

from __future__ import annotations

import hashlib

import pyarrow as pa
from fastapi import Request, Response

#: HTTP's name of an encoding -> pyarrow's name; the best first.
ENCODINGS = {"zstd": "zstd", "gzip": "gzip"}
SMALL = 1000  # below so many bytes compression gains nothing


def answer(request: Request, body: bytes, media_type: str, identity: str, headers: dict[str, str]) -> Response:
    """`identity` identifies the content; each encoding of it gets its own ETag."""
    encoding = _choose_encoding(request.headers.get("accept-encoding", "")) if len(body) >= SMALL else ""
    tag = f'"{hashlib.sha256(identity.encode()).hexdigest()[:20]}{encoding and "-" + encoding}"'
    headers = headers | {"ETag": tag, "Vary": "Accept-Encoding"}
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
        body = pa.Codec(ENCODINGS[encoding], 1).compress(body, asbytes=True)
    return Response(body, headers=headers, media_type=media_type)


def _choose_encoding(accepted: str) -> str:
    """The best encoding that the client accepts; "" if it names none of ours or gives them the weight 0."""
    offers = [offer.replace(" ", "").partition(";q=") for offer in accepted.lower().split(",")]
    usable = {name for name, _, weight in offers if weight not in ("0", "0.0", "0.00", "0.000")}
    return next((name for name in ENCODINGS if name in usable), "")


def _matches(header: str, tag: str) -> bool:
    return header.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in header.split(","))

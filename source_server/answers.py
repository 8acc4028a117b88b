"""Answers that a client can keep: an ETag, 304 where it has them already, and packed as it likes best."""

from __future__ import annotations

import hashlib

import pyarrow as pa
from fastapi import Request, Response

#: Encoding as HTTP names it, the best first -> as pyarrow names it.
ENCODINGS = {"zstd": "zstd", "gzip": "gzip"}
SMALL = 1000  # bytes below which packing gains nothing


def answer(request: Request, body: bytes, media_type: str, identity: str, headers: dict[str, str]) -> Response:
    """`identity` says which bytes these are; one packed another way is another one to caches."""
    encoding = _encoding(request.headers.get("accept-encoding", "")) if len(body) >= SMALL else ""
    tag = f'"{hashlib.sha256(identity.encode()).hexdigest()[:20]}{encoding and "-" + encoding}"'
    headers = headers | {"ETag": tag, "Vary": "Accept-Encoding"}
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    if encoding:
        headers["Content-Encoding"] = encoding
        body = pa.Codec(ENCODINGS[encoding], 1).compress(body, asbytes=True)
    return Response(body, headers=headers, media_type=media_type)


def _encoding(accepted: str) -> str:
    """The best of ours that the client takes; none where it names none of them, or gives them the weight 0."""
    offers = [offer.replace(" ", "").partition(";q=") for offer in accepted.lower().split(",")]
    taken = {name for name, _, weight in offers if weight not in ("0", "0.0", "0.00", "0.000")}
    return next((name for name in ENCODINGS if name in taken), "")


def _matches(asked: str, tag: str) -> bool:
    return asked.strip() == "*" or tag in (each.strip().removeprefix("W/") for each in asked.split(","))

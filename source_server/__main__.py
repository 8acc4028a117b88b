"""Runs the HTTP source: `python -m source_server`."""

from __future__ import annotations

import uvicorn

from cdp.settings import current
from source_server.http.uploads import remove_uploads

if __name__ == "__main__":
    settings = current()
    remove_uploads(settings)
    uvicorn.run("source_server.http.app:app", host=settings.host, port=settings.source_port, access_log=False)

"""Runs the recommendation API: `python -m cdp_web.recommend.api`."""

from __future__ import annotations

import gc
import sys

import uvicorn

from cdp.settings import SettingError, current
from cdp_web.recommend.api.app import create_app

#: Seconds after which Python lets another thread run: a request must not wait long for a publication that is being loaded.
SWITCH_SECONDS = 0.0005

if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        settings = current()
    except SettingError as error:
        sys.exit(f"recommend: {error}")
    if not settings.recommend_token:
        sys.exit("recommend: CDP_RECOMMEND_TOKEN is not set; without it nobody may ask.")
    app = create_app(settings)
    gc.freeze()  # the code lives as long as the process, so a collection need not look at it while a request waits
    uvicorn.run(app, host=settings.host, port=settings.recommend_port, access_log=False)

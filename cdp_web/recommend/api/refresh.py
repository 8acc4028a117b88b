"""Keeps what requests are answered from up to date, in a thread: the publication that Redis points to, the shop's facts about
products, the experiments. If a server is away, the last state stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
import redis

from cdp.errors import first_line
from cdp.kinds import MONEY_SCALE
from cdp.mart.shop import PRODUCT
from cdp.postgres import TABLE_EXISTS, connection_arguments
from cdp.recommend.experiments import Experiment, read_experiments
from cdp.recommend.online import POINTER, Pointer, parse_pointer
from cdp.recommend.publications import Publication, read_pointer, read_publication
from cdp.settings import Settings
from cdp_web.recommend.api.serving import Serving, ShopProduct, make_serving, nothing_published

POINTER_SECONDS, SHOP_SECONDS = 2.0, 10.0
#: The thread must not stay in the C code of the driver for long, or requests wait.
ROWS_AT_ONCE = 500
NOTHING_PUBLISHED = "nothing is published; ./run recommend publish --day D does it"


@dataclass
class State:
    """`serving` and `experiments` are replaced as a whole; a request reads each of them once."""

    settings: Settings
    serving: Serving = field(default_factory=nothing_published)
    experiments: Sequence[Experiment] = ()
    problems: dict[str, str] = field(default_factory=dict)  # by server
    shop: dict[str, ShopProduct] = field(default_factory=dict)
    shop_batch: int = -1
    publication: Publication | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Read everything once, then go on in a thread."""
        self.refresh_shop()
        self.refresh_publication()
        threading.Thread(target=self._run, name="refresh", daemon=True).start()

    def _run(self) -> None:
        shop_at = time.monotonic() + SHOP_SECONDS
        while not self.stop.wait(POINTER_SECONDS):
            self.refresh_publication()
            if time.monotonic() >= shop_at:
                self.refresh_shop()
                shop_at = time.monotonic() + SHOP_SECONDS

    def refresh_publication(self) -> None:
        pointer = self._read_pointer()
        if pointer and pointer != self.serving.pointer:
            self._load(pointer)

    def _read_pointer(self) -> Pointer | None:
        """If Redis is away or empty at the start, the last publication on disk serves: what is popular in it needs no Redis."""
        try:
            with redis.Redis.from_url(self.settings.redis_url, socket_timeout=5, socket_connect_timeout=5) as client:
                text = client.get(POINTER)
            self._note("redis", "")
            if text:
                return parse_pointer(text)
        except redis.RedisError as error:
            self._note("redis", first_line(error))
        return None if self.serving.pointer.publication else read_pointer(self.settings)

    def _load(self, pointer: Pointer) -> None:
        try:
            self.publication = read_publication(self.settings, pointer.publication)
        except (OSError, ValueError, KeyError) as error:
            self._note("publication", f"the publication {pointer.publication} can't be read: {first_line(error)}")
            return
        self.serving = make_serving(pointer, self.publication, self.shop)
        self._note("publication", "")
        print(f"recommend: serves the publication {pointer.publication}", flush=True)

    def refresh_shop(self) -> None:
        """Read the experiments, and the products if one of them has changed."""
        try:
            arguments = connection_arguments(self.settings, "cdp recommend", 3)
            with psycopg.connect(**arguments) as connection, connection.cursor() as cursor:
                self.experiments = read_experiments(cursor, datetime.now(UTC))
                changed = self._read_products(cursor)
            self._note("postgres", "")
        except psycopg.Error as error:
            self._note("postgres", first_line(error))
            return
        if changed and self.publication:
            self.serving = make_serving(self.serving.pointer, self.publication, self.shop)

    def _read_products(self, cursor: psycopg.Cursor) -> bool:
        """Whether a product has changed since the last time. A deletion shows in the count."""
        cursor.execute(TABLE_EXISTS, [PRODUCT.full_name])
        if cursor.fetchall() != [(True,)]:
            return False
        cursor.execute(f"SELECT coalesce(max(batch), -1), count(*) FROM {PRODUCT.full_name}")
        ((batch, count),) = cursor.fetchall()
        if (batch, count) == (self.shop_batch, len(self.shop)):
            return False
        shop = self.shop | _read_rows(cursor, self.shop_batch)
        if len(shop) != count:
            shop = _read_rows(cursor, -1)
        self.shop, self.shop_batch = shop, batch
        return True

    def describe(self) -> str:
        pointer = self.serving.pointer
        return f"{pointer.publication}, as of {pointer.day}" if pointer.publication else NOTHING_PUBLISHED

    def _note(self, server: str, problem: str) -> None:
        """Print a problem when it begins and when it ends."""
        if problem != self.problems.get(server, ""):
            print(f"recommend: {problem or f'{server} is back'}", flush=True)
        self.problems[server] = problem


def _read_rows(cursor: psycopg.Cursor, after_batch: int) -> dict[str, ShopProduct]:
    """The products that a later batch has written."""
    cents = f"round(coalesce(price, 0) * {10**MONEY_SCALE})::bigint"
    cursor.execute(
        f"SELECT product_id, coalesce(name, ''), {cents}, coalesce(active, true) AND coalesce(stock, 1) > 0 AND price > 0"
        f" FROM {PRODUCT.full_name} WHERE batch > %s",
        [after_batch],
    )
    products: dict[str, ShopProduct] = {}
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        products |= {product: ShopProduct(name, price, bool(is_sold)) for product, name, price, is_sold in rows}
    return products

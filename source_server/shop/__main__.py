"""The sample shop: the code of ./run shop.

python -m source_server.shop init | simulate | clear | serve
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta

import psycopg

from cdp.cli import parse_count
from cdp.errors import first_line
from cdp.programs import check_arguments_only
from cdp.settings import SettingError, Settings, current
from source_server.history.catalogue import EVENTS
from source_server.history.seeds import SEED
from source_server.produce.stopping import stop_on_signal
from source_server.shop import database
from source_server.shop.assortment import MAX_CATEGORIES, Assortment, make_assortment
from source_server.shop.database import ShopError, connect_shop
from source_server.shop.people import OLDEST_DAYS, make_old_customer
from source_server.shop.recommendations import Recommender
from source_server.shop.run import LiveRun, simulate_history
from source_server.shop.views import EventSender

CATEGORIES, PRODUCTS, CUSTOMERS, SESSIONS, MINUTES = 15, 200, 100, 50, 25


def init(settings: Settings, arguments: argparse.Namespace) -> None:
    """Tables, roles and publication, and the rows that are missing."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with connect_shop(settings) as connection:
        database.apply_schema(connection, settings)
        if arguments.empty:
            print("the shop has its tables, roles and publication")
            return
        goods = _make_goods(arguments, today - timedelta(days=OLDEST_DAYS))
        people = [make_old_customer(number, today) for number in range(arguments.customers)]
        with connection.transaction():
            new_rows = {
                "categories": database.add_rows(connection, "categories", goods.categories),
                "products": database.add_rows(connection, "products", goods.products),
                "customers": database.add_rows(connection, "customers", people),
            }
        counts = database.count_rows(connection)
    print("; ".join(f"{counts[name]:,} {name}, {number:,} of them new" for name, number in new_rows.items()))
    print("next: ./run shop simulate")


def _make_goods(arguments: argparse.Namespace, day: datetime) -> Assortment:
    return make_assortment(arguments.seed, arguments.events, arguments.categories, arguments.products, day)


def simulate(settings: Settings, arguments: argparse.Namespace) -> None:
    sender = EventSender(settings) if arguments.views else None
    if arguments.historical:
        if arguments.recommendations:
            raise ShopError("nobody sees recommendations in the past; use --recommendations without --historical.")
        now = datetime.now(UTC)
        outcome = simulate_history(settings, arguments.seed, arguments.sessions, arguments.historical, now, sender)
    else:
        with stop_on_signal() as stop, _open_recommender(settings, arguments) as recommender:
            seconds, rate = arguments.minutes * 60.0, arguments.rate
            run = LiveRun(settings, arguments.seed, arguments.sessions, seconds, rate, sender, _print_line, stop, recommender)
            outcome = run.run()
    if sender:
        sender.finish()
    print(outcome)


def _open_recommender(settings: Settings, arguments: argparse.Namespace) -> AbstractContextManager[Recommender | None]:
    if not arguments.recommendations:
        return nullcontext()
    return Recommender(arguments.recommendations, settings.recommend_token, arguments.seed, _print_line)


def _print_line(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S}  {text}", flush=True)


def clear(settings: Settings, arguments: argparse.Namespace) -> None:
    with connect_shop(settings) as connection:
        counts = database.count_rows(connection)
        if not arguments.yes and not _confirm(f"Delete all {sum(counts.values()):,} rows of the shop?"):
            raise ShopError("nothing was deleted; --yes deletes without a question.")
        deletions = database.clear(connection)
    print(f"deleted {sum(deletions.values()):,} rows; the tables are empty")


def _confirm(question: str) -> bool:
    return sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def serve(settings: Settings, _arguments: argparse.Namespace) -> None:
    """The API, which only reads."""
    import uvicorn

    from source_server.shop.api import create_app

    uvicorn.run(create_app(settings), host=settings.host, port=settings.shop_api_port, access_log=False)


def main(argv: list[str] | None = None) -> int:
    parser = _make_parser()
    arguments = parser.parse_args(argv)
    try:
        if check_arguments_only():
            _check(arguments)
            return 0
        arguments.run(current(), arguments)
    except (ShopError, SettingError, ValueError) as error:
        parser.exit(1, f"shop: {error}\n")
    except psycopg.Error as error:
        parser.exit(1, f"shop: {first_line(error)}\n")
    except KeyboardInterrupt:
        parser.exit(130, "shop: interrupted; what was not committed is not in the shop.\n")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Whatever can be wrong without a database."""
    if arguments.run is init:
        _make_goods(arguments, datetime.now(UTC))


def _make_parser() -> argparse.ArgumentParser:
    prog = os.environ.get("PROGRAM_NAME", "python -m source_server.shop")
    parser = argparse.ArgumentParser(prog=prog, description="The sample shop.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    _add_init(verbs.add_parser("init", help="make tables, roles and publication; add products and customers that are missing"))
    _add_simulate(verbs.add_parser("simulate", help="people visit the shop, now or in the past"))
    verb = verbs.add_parser("clear", help="delete all rows; tables, roles and publication stay")
    verb.add_argument("--yes", action="store_true", help="do not ask")
    verb.set_defaults(run=clear)
    verbs.add_parser("serve", help="serve the API that reads all tables").set_defaults(run=serve)
    return parser


def _add_seed(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--seed", type=int, default=SEED, help="the same seed on the same shop does the same (%(default)s)")


def _add_init(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--categories", type=_parse_categories, default=CATEGORIES, help=f"1 to {MAX_CATEGORIES} (%(default)s)")
    verb.add_argument("--products", type=parse_count, default=PRODUCTS, help="in all categories together (%(default)s)")
    verb.add_argument("--customers", type=parse_count, default=CUSTOMERS, help="who have an account (%(default)s)")
    verb.add_argument(
        "--events", type=parse_count, default=EVENTS, help="size of the generated history whose catalogue this is (%(default)s)"
    )
    verb.add_argument("--empty", action="store_true", help="no rows: only tables, roles and publication")
    _add_seed(verb)
    verb.set_defaults(run=init)


def _add_simulate(verb: argparse.ArgumentParser) -> None:
    sessions = "visits within the minutes, or of each day in the past (%(default)s)"
    verb.add_argument("--sessions", type=parse_count, default=SESSIONS, help=sessions)
    verb.add_argument("--minutes", type=parse_count, default=MINUTES, help="how long a live simulation lasts (%(default)s)")
    when = verb.add_mutually_exclusive_group()
    when.add_argument("--historical", type=parse_count, metavar="DAYS", help="not live: the last days until now, at once")
    when.add_argument("--rate", type=parse_count, metavar="R", help="live: transactions a second; as many visits as that takes")
    verb.add_argument("--views", action="store_true", help="also send views, carts and removals to Kafka, as a tracker would")
    verb.add_argument(
        "--recommendations", type=_parse_url, metavar="URL",
        help="live: visitors see and click lists of the recommendation API at this address",
    )  # fmt: skip
    _add_seed(verb)
    verb.set_defaults(run=simulate)


def _parse_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as http://127.0.0.1:18005")
    return text


def _parse_categories(text: str) -> int:
    number = parse_count(text)
    if number > MAX_CATEGORIES:
        raise argparse.ArgumentTypeError(f"there are {MAX_CATEGORIES} categories, not {number}")
    return number


if __name__ == "__main__":
    sys.exit(main())

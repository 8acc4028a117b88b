"""The tables in Postgres. The rows and the offsets up to which the tables have the messages change in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json

from cdp.kinds import KINDS
from cdp.mart.recommend import CLICK, EXPOSURE, PROGRESS, SEEN
from cdp.mart.table import Table
from cdp.recommend import exposures
from cdp.recommend.exposures import Exposure
from streaming.exposures.rows import Message, find_ends
from streaming.lock import LockedConnection
from streaming.messages import Topic

#: Columns that have another name in a message; all other columns have the message's.
_TIMES = ("served_at", "seen_at", "clicked_at")


def _make_insert(table: Table) -> str:
    """Add rows from a JSON text. The earliest time of each key stays."""
    columns = ", ".join(f"{column.name} {KINDS[column.kind].postgres}" for column in table.columns)
    time = next(name for name in table.column_names if name in _TIMES)
    key = ", ".join(table.key)
    return f"""
        INSERT INTO {table.full_name} AS kept SELECT DISTINCT ON ({key}) * FROM json_to_recordset(%s) AS r ({columns})
        ORDER BY {key}, {time}
        ON CONFLICT ({key}) DO UPDATE SET {time} = excluded.{time} WHERE excluded.{time} < kept.{time}"""


#: Kind of a message -> its table and the statement that adds its rows.
_INSERTS = {
    kind: (table, _make_insert(table))
    for kind, table in ((exposures.SERVED, EXPOSURE), (exposures.SEEN, SEEN), (exposures.CLICK, CLICK))
}
_READ = f"SELECT topic_id, offsets FROM {PROGRESS.full_name} WHERE topic = %s"
_ADVANCE = f"""
    INSERT INTO {PROGRESS.full_name} AS kept (topic, topic_id, offsets, batch, received, refused, last_refusal, written_at)
    VALUES (%s, %s, %s, 1, %s, %s, %s, now())
    ON CONFLICT (topic) DO UPDATE SET
        topic_id = excluded.topic_id, offsets = excluded.offsets, batch = kept.batch + 1,
        received = kept.received + excluded.received, refused = kept.refused + excluded.refused,
        last_refusal = CASE WHEN excluded.refused > 0 THEN excluded.last_refusal ELSE kept.last_refusal END,
        written_at = excluded.written_at"""


@dataclass(slots=True)
class PostgresSink:
    """The site shows these rows, so they come within seconds."""

    connection: LockedConnection
    topic: Topic
    seconds: float = 2.0
    position: dict[int, int] = field(default_factory=dict)

    def open(self) -> None:
        self.position = self.connection.read(self._read)

    def write(self, messages: Sequence[Message]) -> None:
        position = self.position | find_ends(messages)
        self.connection.write(lambda cursor: self._write(cursor, messages, position))
        self.position = position

    def _read(self, cursor: Cursor) -> dict[int, int]:
        """Empty for a topic that was made again."""
        cursor.execute(_READ, [self.topic.name])
        row = cursor.fetchone()
        if row is None or row[0] != self.topic.id:
            return {}
        return {int(number): offset for number, offset in row[1].items()}

    def _write(self, cursor: Cursor, messages: Sequence[Message], position: dict[int, int]) -> None:
        if self._read(cursor) == position:
            return  # written, but the connection broke before Postgres could say so
        for kind, (table, insert) in _INSERTS.items():
            rows = [_make_row(table, each.exposure) for each in messages if each.exposure and each.exposure.kind == kind]
            if rows:
                cursor.execute(insert, [orjson.dumps(rows).decode()])
        refusals = [message.refusal for message in messages if message.refusal]
        last = refusals[-1] if refusals else ""
        cursor.execute(_ADVANCE, [self.topic.name, self.topic.id, Json(position), len(messages), len(refusals), last])


def _make_row(table: Table, exposure: Exposure) -> dict[str, object]:
    return {name: exposure.at if name in _TIMES else getattr(exposure, name) for name in table.column_names}

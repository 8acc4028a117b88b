"""What Prometheus reads at /metrics."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

#: Upper bounds in milliseconds.
BOUNDS = (0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 15, 20, 30, 50, 100, 250, 1000, float("inf"))

ANSWERS = Histogram(
    "recommend_answer_seconds", "Time of an answer in the server", ["source"], buckets=[bound / 1000 for bound in BOUNDS]
)
STALE = Counter("recommend_stale_answers", "Answers that were made without Redis")
ERRORS = Counter("recommend_errors", "Answers with a status of 500 or more")
EXPOSURES_SENT = Counter("recommend_exposures_sent", "Messages of exposures that Kafka has taken")
EXPOSURES_LOST = Counter("recommend_exposures_lost", "Messages of exposures that Kafka has not taken")

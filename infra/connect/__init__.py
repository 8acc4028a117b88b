"""Kafka Connect with Debezium: its configuration, the connector of the shop's database, and ./run connect."""

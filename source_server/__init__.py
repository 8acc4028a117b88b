"""The shop's side of the platform: made history, the HTTP source, and the producer that carries it into Kafka."""

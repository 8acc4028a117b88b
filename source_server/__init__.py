"""The shop's side of the platform: the generator of a sample history, the importer, the HTTP source and the Kafka producer."""

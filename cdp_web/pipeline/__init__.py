"""How the data gets here: services, the stream, the ledger, quarantined messages, and the nights."""

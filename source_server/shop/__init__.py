"""The sample shop: a database like that of a real shop, people who simulate its customers, and an API that only reads."""

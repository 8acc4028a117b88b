"""The domain's knowledge: settings, days, paths, events, metrics, tables, rules. It imports nothing of the rest, and does IO only
for the files of settings and the start of a Spark."""

"""The domain's knowledge: settings, days, paths, events, metrics, tables, rules. Nothing here does IO or imports the rest."""

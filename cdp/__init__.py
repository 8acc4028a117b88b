"""Domain facts that all folders share: settings, days, paths, events, metrics, tables, rules. Imports nothing else of the
project. Its only IO reads the files of settings and starts Spark."""

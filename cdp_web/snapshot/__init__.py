"""A local columnar copy of one publication's customers, for lists, previews and segment runs. Needs no JVM."""

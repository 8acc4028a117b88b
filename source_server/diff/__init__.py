"""The differences between two exports of a table, for shops whose database can't be read: the code of ./run diff."""

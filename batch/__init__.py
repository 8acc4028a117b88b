"""The night: what has changed in the events becomes daily numbers, customers and profiles, and is published at once.

`night.py` has the order; the data goes hdfs -> days -> customers -> stores, and what was made passes the gate.
"""

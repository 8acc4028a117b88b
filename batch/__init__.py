"""The night: turns changed events into daily numbers, customers and profiles, and publishes them in one step.

`night.py` has the order of the steps. Data flows hdfs -> days -> customers -> stores; the gate checks it before publication.
"""

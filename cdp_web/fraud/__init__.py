"""Fraud: rules, alerts with what people decided about them, and the channels that alerts are sent to."""

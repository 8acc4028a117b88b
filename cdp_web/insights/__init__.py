"""Reports on products, customers by value, and returning customers; from the chart tables of the night."""

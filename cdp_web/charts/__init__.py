"""Charts: figures built with plotly in Python, drawn by the script that comes with plotly, each with its table and its CSV."""

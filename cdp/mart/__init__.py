"""The platform's Postgres tables, in the schema `mart`: what they contain, and how the night replaces their rows."""

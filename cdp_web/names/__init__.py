"""Names of products, categories and customers, which the stream "shop" keeps in Postgres."""

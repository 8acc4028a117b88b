"""The first page: numbers of the shop in a period, compared with the period before."""

"""What happens in the shop now: the numbers of the last hour, and what a customer is interested in at this moment."""

"""Messages to addresses of others: which addresses may be called, signatures, tries that repeat until a message is accepted."""

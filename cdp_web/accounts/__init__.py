"""Login, logout, the roles and the first administrator. Users and groups themselves are Django's."""

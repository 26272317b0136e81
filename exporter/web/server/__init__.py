"""The web server: TLS, users, limits."""

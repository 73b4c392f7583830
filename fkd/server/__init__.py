"""`fkd serve`: the page, the web interface and the live stream. Needs the extra `serve`."""

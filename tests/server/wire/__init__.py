"""The wire format of the server."""

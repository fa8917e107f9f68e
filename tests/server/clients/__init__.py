"""Clients that others wrote, against a server that runs."""

"""The server under hard input, broken models and crowds."""

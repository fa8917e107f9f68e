"""Buying every sample once: what a task needs of a pool, what the store has of it, the rest."""

"""Models x k draws for a question, within each endpoint's limits."""

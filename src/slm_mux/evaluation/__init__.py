"""From the samples of a store to an evaluation: read once, score once, then arithmetic."""

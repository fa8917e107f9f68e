"""The paper's tables and figures: its numbers, what they need, and what comes out."""

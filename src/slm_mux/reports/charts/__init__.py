"""The charts of a report, one idea each: specs, captions and tables, from a document only."""

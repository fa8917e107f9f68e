"""Studies of a task's samples: from a store to a document, on the validation and the test split."""

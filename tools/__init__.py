"""Programs that write parts of the repository, and the hook that builds the site."""

"""Models: endpoints, engines in this process, fakes; the pool that names them; their weights."""

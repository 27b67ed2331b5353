"""A history in memory with three apps: one healthy, one that waits for an answer, one in quarantine."""

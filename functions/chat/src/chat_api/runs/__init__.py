"""A run: the task that answers, its lease and its account, and those who watch and follow it."""

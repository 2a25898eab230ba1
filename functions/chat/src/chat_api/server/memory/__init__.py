"""What the model is given of a thread: its newest items, calls of tools, a summary of the rest."""

"""The checks of what is asked and answered, and what becomes of what they refuse."""

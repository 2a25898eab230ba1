"""What a small model does beside an answer."""

"""The ChatKit server: what is decided where the SDK leaves it open."""

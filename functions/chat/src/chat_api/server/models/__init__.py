"""The models that are asked, and how what they say is read."""

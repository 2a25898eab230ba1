"""MCP servers as tools of the assistant: who is reached, with whose token, for how long, and what of it is believed."""

"""Turns that end otherwise than by themselves: stopped, cut off, killed, sent again; and what must be left of each."""

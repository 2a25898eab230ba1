"""What an assistant is written with, whichever it is."""

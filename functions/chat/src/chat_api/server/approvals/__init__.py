"""Tools that act only when the user allows it: a run that waits in the thread, and goes on."""

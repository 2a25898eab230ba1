"""What an answer says, on its way into the thread and to the page."""

"""HTTP: the routes, who calls, and what is answered when something is wrong."""

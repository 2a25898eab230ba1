"""The composition root: the one place that knows which pieces are used, and the only one that reads the environment."""




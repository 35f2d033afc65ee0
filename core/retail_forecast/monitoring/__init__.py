"""Watching what has been deployed: whether the data, and with it the model's ground, has moved."""

"""The use cases: what a verb of the command line or a job in a cloud calls."""

"""Runs of record, the gate, the champion of each task, their mirror in MLflow, and the model card."""

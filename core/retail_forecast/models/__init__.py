"""Estimators and what is said of them: figures, intervals, calibration."""

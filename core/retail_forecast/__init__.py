"""Retail Forecast: from till transactions to customers' price sensitivity."""

__all__ = ["__version__"]

__version__ = "0.1.0"

"""The prediction tasks: what a model may look at."""

from enum import StrEnum

__all__ = ["Task"]


class Task(StrEnum):
    """One registered model, with its own figures and floors, per task."""

    BASKET = "basket"
    """a finished basket: all its lines with PROD_CODE"""
    COARSE = "coarse"
    """a finished basket whose products are not named: product groups, quantity and spend of each line, and the store"""
    ARRIVAL = "arrival"
    """a basket that has not begun: what is known of its customer, its store and the time; no line of it"""
    FLAT = "flat"
    """the specification's nine columns: size, type, mission, spend, quantity, region, format, PROD_CODE_20 and _30"""

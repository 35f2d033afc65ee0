"""The label BASKET_PRICE_SENSITIVITY, its meaning and its order.

LA is the price-SENSITIVE end. Reading "Low / Medium / High" against "LA / MM / UM" position by position inverts the
meaning.
"""

from enum import StrEnum

__all__ = ["LABELS", "SENSITIVITIES", "TIERS", "Label", "LabelSource", "Sensitivity"]


class Label(StrEnum):
    """Price tier of a basket's customer, as dunnhumby codes it."""

    LA = "LA"
    """less affluent"""
    MM = "MM"
    """mid market"""
    UM = "UM"
    """up market"""
    XX = "XX"
    """unclassified: nothing but unclassified products in the basket"""


class Sensitivity(StrEnum):
    """How strongly a customer reacts to a price."""

    HIGH = "High"
    MEDIUM = "Medium"
    LOW = "Low"
    UNCLASSIFIED = "Unclassified"


class LabelSource(StrEnum):
    """Where the labels that a model learned and was measured on come from."""

    GIVEN = "given"
    """the label column of the tills"""
    PRICE_TIERS = "price_tiers"
    """made by the rule of price tiers in `features.weak_labels`"""
    CUSTOMER_FILE = "customer_file"
    """made from a file of customers and their tiers"""


LABELS: tuple[Label, ...] = (Label.LA, Label.MM, Label.UM, Label.XX)
"""Order of every probability vector and confusion matrix."""

TIERS: tuple[Label, ...] = (Label.LA, Label.MM, Label.UM)
"""The labels that lie on a scale, from the most to the least price-sensitive; the distance of two tiers is the
difference of their positions."""

SENSITIVITIES: dict[Label, Sensitivity] = {
    Label.LA: Sensitivity.HIGH,
    Label.MM: Sensitivity.MEDIUM,
    Label.UM: Sensitivity.LOW,
    Label.XX: Sensitivity.UNCLASSIFIED,
}

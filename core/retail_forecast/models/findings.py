"""What is found out about a model beside its figures, as values that stand in the record of its run."""

from dataclasses import dataclass

__all__ = ["CurvePoint", "Leakage", "Slice", "Trial", "Twin"]


@dataclass(frozen=True, slots=True)
class Slice:
    """Figures of the baskets that share one value.

    Attributes
    ----------
    by, value : what they are sliced by, and what they share
    n : baskets labelled LA, MM or UM
    accuracy, macro_f1 : macro F1 is the mean over the tiers that are there or were answered
    """

    by: str
    value: str
    n: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Figures on the same baskets after learning from some weeks only.

    Attributes
    ----------
    weeks : newest weeks before those baskets that were learned from, those for validation and calibration included
    baskets : of these weeks, those that the model was fitted on
    accuracy, macro_f1 : over baskets labelled LA, MM or UM
    """

    weeks: int
    baskets: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial of a model's behaviour.

    Attributes
    ----------
    name : what must hold
    cases : baskets tried; 0 when the training baskets hold nothing to try it with
    share : of them, for which it held; of the movement in probability that went the right way, where one is asked for
    least : share that is asked for
    """

    name: str
    cases: int
    share: float
    least: float

    @property
    def passed(self) -> bool:
        """Whether it held often enough; a trial without a case does not fail."""
        return self.cases == 0 or self.share >= self.least


@dataclass(frozen=True, slots=True)
class Twin:
    """Macro F1 of the row-random twin over held-out lines of the same sample.

    Attributes
    ----------
    row_random, grouped : lines held out at random, and by whole baskets
    lines, baskets : of the sample
    """

    row_random: float
    grouped: float
    lines: int
    baskets: int

    @property
    def gap(self) -> float:
        """What the split by lines adds."""
        return self.row_random - self.grouped


@dataclass(frozen=True, slots=True)
class Leakage:
    """What the leakage guard found.

    Attributes
    ----------
    leaks : each leak in a sentence; empty when there is none
    learned, held_out : baskets looked at on either side
    twin : what a split by lines would have pretended
    """

    leaks: tuple[str, ...]
    learned: int
    held_out: int
    twin: Twin

"""`POST /predict`: a basket as the nine columns of the specification, answered by the model of task `flat`.

SPEND and QUANTITY are totals of the basket, PROD_CODE_20 and PROD_CODE_30 those of the line with the largest spend.
Such a row is a basket with one line, so that the same kernel computes its features.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.basket import Basket, Line, basket_size
from retail_forecast.domain.columns import COLUMNS, column
from retail_forecast.domain.labels import LABELS, SENSITIVITIES, Label, Sensitivity
from retail_forecast.domain.settings import ServerSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.features import FLAT_CATEGORIES
from retail_forecast_server.answers import Probabilities
from retail_forecast_server.asked import Asked, checked, parsed
from retail_forecast_server.models import Model
from retail_forecast_server.problems import at_fault

__all__ = ["ColumnsPrediction", "NineColumns", "columns_encoded", "columns_read"]

_Category = Annotated[str, msgspec.Meta(max_length=100)]
_ENCODER = msgspec.json.Encoder()


def _bounds(name: str) -> msgspec.Meta:
    spec = column(name)
    return msgspec.Meta(ge=spec.minimum, le=spec.maximum, description=f"of the whole basket [{spec.unit}]")


class NineColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename=str.upper, gc=False):
    """A finished basket as the specification describes it: BASKET_SIZE by QUANTITY, 1-2 S, 3-9 M, 10 and more L."""

    basket_size: Literal["S", "M", "L"]
    basket_type: _Category
    basket_dominant_mission: _Category
    spend: Annotated[float, _bounds("SPEND")]
    quantity: Annotated[int, _bounds("QUANTITY")]
    store_region: _Category
    store_format: _Category
    prod_code_20: _Category
    prod_code_30: _Category

    def basket(self) -> Basket:
        """The basket with one line that has these columns.

        Raises
        ------
        ValueError : SPEND has parts of a penny
        """
        line = Line(self.quantity, self.spend, prod_code_20=self.prod_code_20, prod_code_30=self.prod_code_30)
        return Basket(
            (line,),
            store_region=self.store_region,
            store_format=self.store_format,
            type=self.basket_type,
            mission=self.basket_dominant_mission,
        )


class ColumnsPrediction(msgspec.Struct, frozen=True):
    """The answer for one row.

    Attributes
    ----------
    accuracy, accuracy_from : of the model that answered, and the window it was measured on; the nine columns hold
        little of the label
    unknown_categories : columns whose value the model never saw; it answers by the others
    """

    label: Label
    sensitivity: Sensitivity
    probabilities: Probabilities
    task: Literal["flat"]
    model_version: str
    accuracy: float | None
    accuracy_from: str
    unknown_categories: tuple[str, ...]


_ASKED = msgspec.json.Decoder(NineColumns | tuple[NineColumns, ...])
_NAMES = {spec.field: spec.name for spec in COLUMNS}


def columns_read(body: bytes, _task: Task, limits: ServerSettings) -> Asked:
    """The rows of a JSON body, as baskets.

    Raises
    ------
    Problem : the body does not fit, with the field at fault
    """
    asked = parsed(_ASKED, body)
    if isinstance(asked, NineColumns):
        return Asked((_basket(asked),), True)
    checked(len(asked), limits)
    return Asked([_basket(row, position) for position, row in enumerate(asked)], False)


def columns_encoded(asked: Asked, model: Model, found: Predictions) -> bytes:
    """The answers as JSON: one for one row, a list for a list."""
    rows = zip(asked.baskets, found.label.tolist(), found.probabilities.tolist(), strict=True)
    told = [_prediction(basket, label, probabilities, model) for basket, label, probabilities in rows]
    return _ENCODER.encode(told[0] if asked.alone else told)


def _basket(row: NineColumns, *steps: int) -> Basket:
    size = basket_size(row.quantity)
    if row.basket_size != size:
        raise at_fault(f"a basket of {row.quantity} items in all has the size {size}", *steps, "BASKET_SIZE")
    try:
        return row.basket()
    except ValueError as error:
        raise at_fault("SPEND has more than two decimals", *steps, "SPEND") from error


def _prediction(basket: Basket, label: int, probabilities: Sequence[float], model: Model) -> ColumnsPrediction:
    manifest = model.bundle.manifest
    return ColumnsPrediction(
        LABELS[label],
        SENSITIVITIES[LABELS[label]],
        Probabilities(*probabilities),
        "flat",
        model.version,
        manifest.metrics.get("accuracy"),
        manifest.metrics_from,
        _unknown(basket, model.bundle.vocabularies),
    )


def _unknown(basket: Basket, vocabularies: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    given = msgspec.structs.asdict(basket) | msgspec.structs.asdict(basket.lines[0])
    return tuple(_NAMES[name] for name in FLAT_CATEGORIES if given[name] not in vocabularies[name])

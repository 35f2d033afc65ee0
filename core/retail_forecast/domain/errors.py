"""The errors of the system, one tree.

RetailForecastError            exit 1
├── UsageError                 exit 2  an option, a setting or a name that does not fit
├── DataError                  exit 3  data that was refused
│   ├── FileRefused                    one source file, with a code
│   └── BundleError                    a model bundle that is damaged or does not fit
├── GateRefused                exit 4  a model that did not pass the gate
├── PlaceError                 exit 5  storage, permission or cloud
│   └── Conflict                       somebody else wrote first
└── LeftoverError              exit 6  something still stands after teardown
"""

__all__ = [
    "BundleError",
    "Conflict",
    "DataError",
    "FileRefused",
    "GateRefused",
    "LeftoverError",
    "PlaceError",
    "RetailForecastError",
    "UsageError",
]


class RetailForecastError(Exception):
    """Something the user can understand and act upon.

    Parameters
    ----------
    what : what happened, and why, in one sentence
    where : file, line, key or address it happened at
    mend : what to do about it, an imperative sentence
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class UsageError(RetailForecastError):
    """An option, a setting or a name that does not fit."""

    exit_code = 2


class DataError(RetailForecastError):
    """Data that cannot be used as it is."""

    exit_code = 3


class FileRefused(DataError):
    """A source file that was left where it is, under a code that scripts can rely on."""

    def __init__(self, code: str, what: str, *, where: str, mend: str) -> None:
        super().__init__(what, where=where, mend=mend)
        self.code = code


class BundleError(DataError):
    """A model bundle that is damaged, incomplete or of another format."""


class GateRefused(RetailForecastError):
    """A model that did not pass the gate; `reasons` says why."""

    exit_code = 4

    def __init__(self, reasons: tuple[str, ...], *, where: str = "") -> None:
        super().__init__(
            "the gate refused the model: " + "; ".join(reasons),
            where=where,
            mend="train a better model, or override with a name and a reason",
        )
        self.reasons = reasons


class PlaceError(RetailForecastError):
    """Storage or a cloud that did not do what was asked."""

    exit_code = 5


class Conflict(PlaceError):
    """Somebody else published first; read again and repeat."""


class LeftoverError(RetailForecastError):
    """Something still stands, or still costs, after a teardown."""

    exit_code = 6

"""Retail Forecast: from till transactions to customers' price sensitivity.

Nothing is reported to anybody: two of the libraries would tell their makers of their use unless asked before they are
imported not to.
"""

import os

__all__ = ["__version__"]

__version__ = "0.1.0"

for _switch in ("ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY"):
    os.environ[_switch] = "1"

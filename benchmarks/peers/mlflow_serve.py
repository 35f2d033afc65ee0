"""`mlflow models serve` with an XGBoost model, in its own environment. Usage: python mlflow_serve.py MODEL PORT, in an
empty folder."""

import os
import sys
from pathlib import Path

import mlflow.xgboost
import xgboost

model, port = sys.argv[1:]
mlflow.xgboost.save_model(xgboost.Booster(model_file=model), "saved", model_format="json")
program = str(Path(sys.executable).with_name("mlflow"))
os.environ["PATH"] = f"{Path(program).parent}:{os.environ['PATH']}"
asked = ["-m", "saved", "--host", "127.0.0.1", "--port", port, "--env-manager", "local", "--workers", "1"]
os.execv(  # noqa: S606 - the peer's own program
    program, [program, "models", "serve", *asked]
)

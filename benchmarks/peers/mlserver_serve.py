"""MLServer with an XGBoost model, in its own environment.

Usage: python mlserver_serve.py MODEL PORT, in an empty folder.
"""

import json
import os
import sys
from pathlib import Path

model, port = sys.argv[1], int(sys.argv[2])
settings = {
    "host": "127.0.0.1",
    "http_port": port,
    "grpc_port": 0,
    "metrics_endpoint": None,
    "parallel_workers": 0,
    "debug": False,
}
described = {
    "name": "peer",
    "implementation": "mlserver_xgboost.XGBoostModel",
    "parameters": {"uri": model},
}
Path("settings.json").write_text(json.dumps(settings), "utf-8")
Path("model-settings.json").write_text(json.dumps(described), "utf-8")
program = str(Path(sys.executable).with_name("mlserver"))
os.execv(  # noqa: S606 - the peer's own program
    program, [program, "start", "."]
)

"""BentoML with an XGBoost model, in its own environment.

Usage: python bentoml_serve.py MODEL PORT, in an empty folder.
"""

import os
import sys
from pathlib import Path

SERVICE = """\
import bentoml
import numpy as np
import xgboost


@bentoml.service(workers=1)
class Peer:
    def __init__(self) -> None:
        self.model = xgboost.Booster(model_file={model!r})

    @bentoml.api
    def predict(self, rows: list[list[float]]) -> list[list[float]]:
        return self.model.inplace_predict(np.asarray(rows, np.float32)).tolist()
"""

model, port = sys.argv[1:]
Path("service.py").write_text(SERVICE.format(model=model), "utf-8")
program = str(Path(sys.executable).with_name("bentoml"))
os.environ |= {"BENTOML_DO_NOT_TRACK": "1", "BENTOML_HOME": str(Path.cwd() / "home")}
os.execv(  # noqa: S606 - the peer's own program
    program, [program, "serve", "service:Peer", "--host", "127.0.0.1", "--port", port]
)

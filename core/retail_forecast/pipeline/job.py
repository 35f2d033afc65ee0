"""The job of a training container: channels and hyperparameters in, a bundle out, on one host or several.

Channel `gold` holds the baskets to learn, one part a host. Channels `calibration` and `validation` are optional, whole
on each host: the calibration is fitted on the one, the figures of the bundle are measured on the other.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from pydantic import Field, ValidationError

from retail_forecast.bundle.manifest import digest_of, write_bundle
from retail_forecast.clouds.checkpoint import Checkpoint
from retail_forecast.clouds.container import Container, Resources
from retail_forecast.clouds.hosts import Hosts, gather
from retail_forecast.domain.errors import RetailForecastError, UsageError
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.channel import Part, read_part
from retail_forecast.models.distributed import joined
from retail_forecast.models.fitting import Fitted, calibrated, fit_model, manifest_of
from retail_forecast.models.judging import judged
from retail_forecast.models.learners import AnyLearner, learner
from retail_forecast.models.meeting import Meeting

__all__ = ["Hyperparameters", "carry_out"]

_LOG = logging.getLogger(__name__)
_LIBRARIES = ("numpy", "scipy", "xgboost-cpu", "onnx", "onnxruntime", "retail-forecast")


class Hyperparameters(TrainSettings):
    """What the job's hyperparameters may be, beside the settings of the learner itself."""

    task: Task = Task.BASKET
    model: str = Field("xgboost", description="learner")
    checkpoint_rounds: int = Field(10, ge=1, description="steps of a learner between two checkpoints")
    port: int = Field(9099, ge=1, le=65535, description="on the first host, where the hosts meet")
    join_s: float = Field(300, gt=0, description="how long the hosts wait for each other [s]")
    patience_s: float = Field(60, gt=0, description="the longest that a host may stay silent [s]")


def carry_out(
    container: Container, stop: Callable[[], bool], lost: Callable[[str], None], clock: Callable[[], datetime]
) -> None:
    """Train, and leave the bundle in the container's folder of the model.

    Parameters
    ----------
    stop : whether the job was asked to stop
    lost : ends the process, when another host was lost

    Raises
    ------
    UsageError : hyperparameters, hosts or channels that do not fit
    Interrupted : the job was asked to stop; it goes on from its checkpoint at the next start
    PlaceError : the hosts did not meet, or one was lost
    """
    given = container.hyperparameters()
    wanted, chosen = _wanted(given)
    resources = container.resources()
    part = _share(container.channel("gold"), resources)
    lasting = {name: value for name, value in given.items() if name not in ("port", "join_s", "patience_s")}
    work = digest_of(msgspec.json.encode([lasting, part.parts, part.facts], order="sorted"))
    meeting = Meeting(
        resources.ordered,
        resources.current_host,
        part.number,
        wanted.port,
        wanted.join_s,
        wanted.patience_s,
        resources.network_interface_name,
    )
    checkpoint = Checkpoint(container.checkpoints, work)
    with joined(meeting, chosen, stop, checkpoint, wanted.checkpoint_rounds, lost) as hosts:
        _LOG.info("host %d of %d learns from %d baskets", hosts.rank + 1, hosts.size, len(part.rows.label))
        settings = TrainSettings(**{name: getattr(wanted, name) for name in TrainSettings.model_fields})
        fitted = fit_model(wanted.task, chosen, part.rows.baskets, part.rows.label, settings, wanted.threads, hosts)
        _require_agreement(hosts, fitted)
    _write(container, wanted, fitted, part, clock())


def _wanted(given: Mapping[str, str]) -> tuple[Hyperparameters, AnyLearner]:
    """The hyperparameters, and the learner with its own settings among them; names with a leading underscore are the
    service's own (`_tuning_objective_metric`)."""
    fields = Hyperparameters.model_fields
    try:
        wanted = Hyperparameters.model_validate({name: value for name, value in given.items() if name in fields})
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UsageError(
            f"hyperparameters that do not fit: {faults}", where="hyperparameters.json", mend="correct those named"
        ) from error
    own = {name: _value(value) for name, value in given.items() if name not in fields and not name.startswith("_")}
    chosen, usual = learner(wanted.model, own, wanted.task), learner(wanted.model).settings
    for name, value in own.items():
        if isinstance(usual[name], int | float) and not isinstance(value, int | float):
            raise UsageError(
                f"{name} must be a number, not {value!r}",
                where="hyperparameters.json",
                mend=f"give a value like {usual[name]}",
            )
    return wanted, chosen


def _value(text: str) -> int | float | str | None:
    """A hyperparameter in its own type, for the contract carries text only."""
    try:
        return msgspec.json.decode(text, type=int | float | None)
    except msgspec.MsgspecError:
        return text


def _share(folder: Path, resources: Resources) -> Part:
    """This host's part of the channel: the only one there, or that of its rank where all lie there."""
    files = sorted(folder.glob("*.parquet"))
    count = len(resources.hosts)
    if len(files) not in (1, count):
        raise UsageError(
            f"{len(files)} parts lie in the channel of a job of {count} hosts",
            where=str(folder),
            mend="export the channel with one part a host",
        )
    part = read_part(files[0] if len(files) == 1 else files[resources.rank])
    if part.parts != count:
        raise UsageError(
            f"the channel was dealt to {part.parts} hosts, the job has {count}",
            where=str(folder),
            mend="export the channel with one part a host",
        )
    return part


def _require_agreement(hosts: Hosts, fitted: Fitted) -> None:
    digests = gather(hosts, digest_of(msgspec.json.encode(_digests(fitted))).encode())
    if len(set(digests)) > 1:
        raise RetailForecastError(
            "the hosts ended with different models",
            where=f"host {hosts.rank + 1} of {hosts.size}",
            mend="use hosts of one kind: their arithmetic must agree to the bit",
        )


def _digests(fitted: Fitted) -> list[tuple[str, str]]:
    return sorted((name, digest_of(payload)) for name, payload in fitted.files().items())


def _write(container: Container, wanted: Hyperparameters, fitted: Fitted, part: Part, now: datetime) -> None:
    metrics: dict[str, Any] = {}
    calibration, validation = (_whole(container.channel(name)) for name in ("calibration", "validation"))
    if calibration is not None:
        fitted = calibrated(fitted, calibration.rows.baskets, calibration.rows.label)
    if validation is not None:
        metrics = judged(fitted, validation.rows.baskets, validation.rows.label, wanted.threads or 1).to_dict()
        _LOG.info("validation:macro_f1=%.6f validation:accuracy=%.6f", metrics["macro_f1"], metrics["accuracy"])
    learned = [part, calibration] if calibration is not None else [part]
    manifest = manifest_of(
        fitted,
        run_id="",
        model=wanted.model,
        created_at=now,
        last_learned_week=max(int(one.rows.shop_week.max()) for one in learned),
        data=dict(part.facts),
        metrics=metrics,
        metrics_from="validation" if metrics else "",
        libraries={name: version(name) for name in _LIBRARIES},
    )
    digest = write_bundle(container.model, manifest, fitted.files())
    _LOG.info("bundle %s", digest)


def _whole(folder: Path) -> Part | None:
    """A channel that lies whole on each host; None when there is no such channel."""
    files = sorted(folder.glob("*.parquet"))
    return read_part(files[0]) if files else None

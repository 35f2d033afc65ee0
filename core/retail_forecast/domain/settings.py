"""Settings: one frozen object, read from `retail-forecast.yaml` in the workspace, then `RETAIL_FORECAST_*` variables,
then flags.

A later source overrides an earlier one. Unknown keys are errors, and all errors are reported at once with their key.
"""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource

from retail_forecast.domain.errors import UsageError

__all__ = [
    "SETTINGS_FILE",
    "AwsSettings",
    "EndpointSettings",
    "FeatureSettings",
    "Floors",
    "GateSettings",
    "LakeSettings",
    "QualitySettings",
    "RegistrySettings",
    "ServerSettings",
    "Settings",
    "TrainSettings",
    "WindowSettings",
    "load_settings",
]

SETTINGS_FILE = "retail-forecast.yaml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QualitySettings(_Section):
    """From where on data are refused, or remarked upon."""

    faulty_share: float = Field(
        0.2, ge=0, le=1, description="share of a file's rows at fault by themselves from which on the file is refused"
    )
    replaced_share: float = Field(
        0.5, ge=0, le=1, description="share of a week's rows that files replacing it must bring, else they are refused"
    )
    trailing_weeks: int = Field(13, ge=1, description="weeks before a week that it is compared with [weeks]")
    volume_factor: float = Field(2.0, gt=1, description="how far rows may lie from the trailing weeks' median")
    shift_index: float = Field(0.1, gt=0, description="population stability index from which on a shift is told")


class LakeSettings(_Section):
    """Place, bounds and habits of the lake."""

    uri: str = Field(
        "",
        description="where the lake lies: a folder, s3://BUCKET/PREFIX, az://CONTAINER/PREFIX or abfss://...; "
        "by default the folder lake of the workspace",
    )
    predictions_uri: str = Field(
        "",
        description="where answers of servers wait until they are committed to the lake: a folder, s3://BUCKET/PREFIX, "
        "az://CONTAINER/PREFIX or abfss://...; by default the folder predictions of the workspace",
    )
    memory_limit_mb: int = Field(900, ge=128, description="memory that DuckDB may use before it spills to disk [MB]")
    threads: int = Field(0, ge=0, description="threads for ingest; 0 = all cores")
    spark_address: str = Field(
        "sail",
        description="where --engine spark works: sc://host:port of a Spark Connect server, 'sail' for one that is "
        "started here without Java, 'job' for the session of the job it runs in (AWS Glue, EMR)",
    )
    spark_workers: int = Field(2, ge=1, description="tasks that --engine spark deals out at once")
    retention_days: int = Field(3 * 365, ge=1, description="how long removed files and logs of tables are kept [days]")
    delivery_lag_days: int = Field(
        1, ge=0, description="days between the end of a week and the arrival of its file [days]"
    )
    quality: QualitySettings = QualitySettings()


class RegistrySettings(_Section):
    """Place of the registry of record."""

    uri: str = Field(
        "",
        description="where runs, bundles and champions lie: a folder, s3://BUCKET/PREFIX, az://CONTAINER/PREFIX or "
        "abfss://...; by default the workspace",
    )


class FeatureSettings(_Section):
    """The feature store."""

    online: str = Field(
        "sqlite",
        pattern=r"^(sqlite|dynamodb://[A-Za-z0-9_.-]{3,255})$",
        description="where the newest records are: 'sqlite', a file of the workspace, or dynamodb://TABLE",
    )
    ttl_days: int | None = Field(
        None, ge=1, description="how long after its event a record is given online; without, for good [days]"
    )
    snapshot_weeks: int = Field(
        2, ge=1, description="newest weeks as of which the server is told what was known of customers [weeks]"
    )


class WindowSettings(_Section):
    """Lengths of the windows behind the training weeks, in weeks that are present."""

    validation_weeks: int = Field(4, ge=1, description="for tuning and early stopping [weeks]")
    calibration_weeks: int = Field(4, ge=1, description="for calibrating probabilities [weeks]")
    test_weeks: int = Field(13, ge=1, description="for figures; nothing is learned from them [weeks]")


class TrainSettings(_Section):
    """How models are trained."""

    seed: int = Field(20060410, ge=0, description="seed of every random choice")
    folds: int = Field(3, ge=2, description="folds in which product leanings are learned out of fold")
    leaning_penalty: float = Field(
        0.05, gt=0, description="L2 penalty on product leanings; raise it where labels are noisy [baskets]"
    )
    segments: bool = Field(
        False, description="task arrival looks at seg_1 and seg_2, of which nobody knows since when they are known"
    )
    threads: int = Field(0, ge=0, description="threads of a learner; 0 = all cores")


class Floors(_Section):
    """Quality that a model must reach whatever the champion does."""

    accuracy: float = Field(0.75, ge=0, le=1)
    macro_f1: float = Field(0.70, ge=0, le=1)
    precision: float = Field(0.65, ge=0, le=1, description="of each of LA, MM, UM")


class GateSettings(_Section):
    """What a candidate must show before it becomes champion."""

    basket: Floors = Floors()
    margin: float = Field(
        0.002, ge=0, le=1, description="how far macro F1 may lie below the champion's, at the lower bound"
    )
    confidence: float = Field(0.95, gt=0.5, lt=1, description="of the one-sided bound")
    draws: int = Field(1000, ge=100, description="bootstrap draws, clustered by customer")
    minimum_baskets: int = Field(2000, ge=1, description="baskets that a comparison needs")


class ServerSettings(_Section):
    """Where the inference server listens, and its limits."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535, description="0 = any free port")
    max_body_bytes: int = Field(8_000_000, ge=1024)
    max_batch_bytes: int = Field(64_000_000, ge=1024, description="one batch of an Arrow stream")
    max_baskets: int = Field(1000, ge=1, description="baskets in one request")
    max_lines: int = Field(2000, ge=1, description="lines in one basket")
    max_explained_lines: int = Field(
        200, ge=1, description="lines in a request that is to be explained, of all its baskets together"
    )
    workers: int = Field(1, ge=1, le=64, description="processes that answer")
    max_in_flight: int = Field(
        256, ge=1, description="requests that a worker answers at once; more are told to come back later"
    )
    champion_poll_s: float = Field(5.0, gt=0, description="how often a new champion is looked for [s]")
    request_timeout_s: float = Field(30.0, gt=0, description="how long a request may take, its body included [s]")
    trusted_network: bool = Field(
        False, description="whoever reaches the port was let in by something else (SageMaker, a mesh): no key is asked"
    )
    snapshot: Path | None = Field(
        None,
        description="folder of what is known of customers and stores; by default features/snapshot in the workspace",
    )
    snapshot_poll_s: float = Field(
        5.0, gt=0, description="how often a new snapshot of customers and stores is looked for [s]"
    )
    prediction_log: Path | None = Field(
        None, description="folder that answers are spooled to for the prediction log; without, none is kept"
    )
    prediction_log_mb: int = Field(
        512, ge=1, description="answers in that folder; beyond it they are left out and counted [MB]"
    )
    prediction_log_segment_s: float = Field(60.0, gt=0, description="how often a segment of it is finished [s]")
    api_keys: Path | None = Field(
        None, description="file of API keys, a line each: SHA-256, scopes (predict, admin), name; read when it changes"
    )
    tls_cert: Path | None = Field(None, description="certificate chain, PEM; with tls_key the server speaks https")
    tls_key: Path | None = Field(None, description="private key of the certificate, PEM")
    cors_origins: tuple[str, ...] = Field((), description="origins whose pages may call the server from a browser")
    api_key_sha256: tuple[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")], ...] = Field(
        (), description="SHA-256 of keys that may predict, hexadecimal; as soon as there is one, a key is needed"
    )


class EndpointSettings(_Section):
    """Endpoints of SageMaker; none is made but by `deploy_endpoint.py`."""

    instance_type: str = Field("ml.m5.large", pattern=r"^ml\.", description="of an endpoint's hosts")
    instances: int = Field(1, ge=1, description="hosts of an endpoint, and the fewest when it follows its load")
    most: int = Field(4, ge=1, description="most hosts of an endpoint that follows its load")
    invocations_per_instance: float = Field(
        6000.0, gt=0, description="requests a host is to answer in a minute, for an endpoint that follows its load"
    )
    latency_ms: float = Field(
        200.0, gt=0, description="95th percentile from which on an update is undone, without the way there [ms]"
    )


class AwsSettings(_Section):
    """Which environment of AWS is used, and how jobs run there."""

    outputs: Path | None = Field(
        None,
        description="what `terraform output -json` said; by default the file that `cloud up` left in the workspace",
    )
    project: str = Field("retail-forecast", description="first part of the environment's name")
    environment: str = Field("dev", description="second part of the environment's name")
    train_image: str = Field(
        "", description="image of jobs, best by its digest; by default the repository `train` at this version"
    )
    server_image: str = Field(
        "", description="image of the server on endpoints; by default the repository `server` at this version"
    )
    model_packages: bool = Field(
        False, description="promote and rollback are mirrored in SageMaker's Model Registry; registry.uri is on S3 then"
    )
    endpoint: EndpointSettings = EndpointSettings()
    instance_type: str = Field("ml.m5.xlarge", pattern=r"^ml\.", description="of each host of a job")
    volume_gb: int = Field(30, ge=1, le=16384, description="disk of each host of a job [GB]")
    max_hours: float = Field(4, gt=0, description="longest running time of a job [h]")
    spot: bool = Field(True, description="jobs run on spot instances, which cost less and may be interrupted")
    max_wait_hours: float = Field(
        12, gt=0, description="longest time from the start of a spot job to its end, interruptions included [h]"
    )
    tuning_at_once: int = Field(2, ge=1, le=100, description="jobs of one tuning that run at the same time")
    poll_s: float = Field(15.0, gt=0, description="how often a job is asked how far it is [s]")


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="RETAIL_FORECAST_", env_nested_delimiter="__", validate_default=True
    )

    workspace: Path = Path("workspace")
    machine_usd_hour: float | None = Field(
        None, gt=0, description="price of an hour of the machine; where it is given, cards say what training cost [USD]"
    )
    lake: LakeSettings = LakeSettings()
    registry: RegistrySettings = RegistrySettings()
    features: FeatureSettings = FeatureSettings()
    windows: WindowSettings = WindowSettings()
    train: TrainSettings = TrainSettings()
    gate: GateSettings = GateSettings()
    server: ServerSettings = ServerSettings()
    aws: AwsSettings = AwsSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags win over variables, variables over the file."""
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


def load_settings(workspace: Path | None = None, **flags: Any) -> Settings:
    """Settings of a workspace.

    Parameters
    ----------
    workspace : folder of the state; by default `RETAIL_FORECAST_WORKSPACE`, else `./workspace`
    flags : sections or values given on the command line; None means not given

    Raises
    ------
    UsageError : names every key that does not fit, and where it came from
    """
    given = {key: value for key, value in flags.items() if value is not None}
    if workspace is not None:
        given["workspace"] = workspace
    home = Path(given.get("workspace") or os.environ.get("RETAIL_FORECAST_WORKSPACE") or "workspace")
    file = home / SETTINGS_FILE

    class Located(Settings):
        model_config = SettingsConfigDict(yaml_file=file)

    try:
        return Located(**given)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}" for e in error.errors())
        raise UsageError(
            f"settings that do not fit: {faults}",
            where=str(file) if file.exists() else "RETAIL_FORECAST_* variables or flags",
            mend="correct or remove the keys named; `retail-forecast doctor` shows what is in force",
        ) from error

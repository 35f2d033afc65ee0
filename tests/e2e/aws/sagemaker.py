"""A stand-in for Amazon SageMaker's jobs, in front of moto, which answers for them but runs nothing.

    python -m tests.e2e.aws.sagemaker http://127.0.0.1:MOTO

Faked here: training, tuning, processing and transform jobs (Create, Describe, Stop). Every request is held against
botocore's own model of the service (required fields, lengths, ranges, patterns, values) and what the API reference says
beside it. A job is run by the container contract as SageMaker runs it: channels are fetched from S3 and dealt to the
hosts, `python -m retail_forecast.pipeline.container train` runs for each host, checkpoints are kept in S3, the model is
packed and uploaded, a failure is told in the container's own words, a stop or an interruption by the spot market is
SIGTERM, and what hosts write goes to moto's log groups. `hosting.py` has processing and batch transform. Faked as well:
UpdateEndpoint, which moto lacks; no host is started. Not faked: networks, roles, images, encryption. All other calls
are passed on to moto.

Faults are ordered by POST /faults: {"operation": .., "code": .., "times": 1} for errors, {"interrupt": 1} for jobs that
lose their hosts at their first checkpoint, {"torn": 1} for models whose upload ends in the middle, {"damaged": 1} for
models that a batch transform cannot open, {"astray": 1} for processing jobs without a way to S3, {"rollback": 1} for
updates of an endpoint that an alarm undoes.
"""

import io
import json
import os
import random
import re
import sys
import tarfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import botocore.session
from tests.e2e.aws.hosting import ARN, Json, Processing, Refusal, Transform, Writing, bucket_and_key, fetch, objects

from retail_forecast.clouds.container import Container, Resources
from retail_forecast.clouds.hosts import Interrupted
from retail_forecast.clouds.local_hosts import LocalHosts, free_port
from retail_forecast.domain.errors import PlaceError

MODEL = botocore.session.get_session().get_service_model("sagemaker")
MESSAGE_LIMIT = 1024


def pattern_of(pattern: str) -> str:
    """A pattern of AWS's for Python, which does not know Unicode's classes by their names."""
    return re.sub(r"\\p\{\w+\}", r"\\w\\s", pattern)


def faults_of(shape: Any, value: Any, path: str) -> list[str]:  # noqa: ANN401 - botocore has no types
    """What does not fit the service's model."""
    limits, kind, found = shape.metadata, shape.type_name, []
    size = value if kind in ("integer", "long", "float", "double") else len(value) if hasattr(value, "__len__") else 0
    if kind != "structure" and not limits.get("min", size) <= size <= limits.get("max", size):
        found.append(f"{path}: must lie between {limits.get('min')} and {limits.get('max')}")
    if kind == "string" and "pattern" in limits and not re.fullmatch(pattern_of(limits["pattern"]), value):
        found.append(f"{path}: {value!r} must satisfy {limits['pattern']}")
    if kind == "string" and shape.enum and value not in shape.enum:
        found.append(f"{path}: {value!r} must be one of {shape.enum}")
    if kind == "structure":
        found += [f"{path}.{name} is missing" for name in shape.required_members if name not in value]
        found += [f"{path}.{name} is unknown" for name in value if name not in shape.members]
        for name, one in value.items():
            if name in shape.members:
                found += faults_of(shape.members[name], one, f"{path}.{name}")
    if kind == "list":
        for number, one in enumerate(value):
            found += faults_of(shape.member, one, f"{path}[{number}]")
    if kind == "map":
        for name, one in value.items():
            found += faults_of(shape.key, name, f"{path} key") + faults_of(shape.value, one, f"{path}.{name}")
    return found


class Job:
    """One training job, in a thread of its own."""

    def __init__(self, service: "Service", name: str, request: Json) -> None:
        self.service, self.name, self.request = service, name, request
        self.status, self.failure, self.steps = "InProgress", "", list[Json]()
        self.metrics: dict[str, float] = {}
        self.stopping, self.created, self.seconds = False, time.time(), 0.0
        self.running: LocalHosts | None = None
        self.writing = Writing(service.logs, "TrainingJobs", name)
        self.step("Starting", "Preparing the instances for training")
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def step(self, status: str, message: str) -> None:
        self.steps.append({"Status": status, "StartTime": time.time(), "StatusMessage": message})

    def run(self) -> None:
        start = time.monotonic()
        try:
            while not self.attempt():
                self.step("Interrupted", "Training job interrupted, will restart when capacity is there")
                self.step("Starting", "Preparing the instances for training")
            self.end("Stopped" if self.stopping else "Completed")
        except (PlaceError, Refusal) as error:
            self.failure = str(error)[:MESSAGE_LIMIT]
            self.end("Failed")
        self.seconds = time.monotonic() - start

    def end(self, status: str) -> None:
        self.step(status, f"Training job {status.lower()}")
        self.status = status

    def attempt(self) -> bool:
        """One run of all hosts; False when the spot market took them back."""
        with TemporaryDirectory() as folder:
            containers = self.laid_out(Path(folder))
            self.step("Training", "Training image download completed. Training in progress.")
            threads = int(self.request.get("HyperParameters", {}).get("threads", "1"))
            with LocalHosts(containers, threads or os.cpu_count() or 1, self.log) as self.running:
                if self.stopping:
                    self.terminate()
                try:
                    self.running.wait()
                except Interrupted:
                    self.save(containers)
                    return self.stopping
                except PlaceError as error:
                    self.save(containers)
                    if self.stopping:
                        return True
                    told = [c.failure.read_text("utf-8") for c in containers if c.failure.exists()]
                    code = max(abs(process.returncode) for process in self.running.processes)
                    raise Refusal("", f"AlgorithmError: {(told or [str(error)])[0]}, exit code: {code}") from error
            self.save(containers)
            self.step("Uploading", "Uploading generated training model")
            self.upload(containers[0])
        return True

    def log(self, line: str) -> None:
        host, _, said = line.partition(": ")
        self.writing.write(f"algo-{host.removeprefix('host ')}", said)
        for definition in self.request["AlgorithmSpecification"].get("MetricDefinitions", []):
            if match := re.search(definition["Regex"], line):
                self.metrics[definition["Name"]] = float(match[1])
        if "kept after" in line and self.service.take("interrupt"):
            self.terminate()

    def terminate(self) -> None:
        for process in self.running.processes if self.running else []:
            process.terminate()

    def laid_out(self, folder: Path) -> list[Container]:
        self.step("Downloading", "Downloading input data")
        count, channels = self.request["ResourceConfig"]["InstanceCount"], self.request["InputDataConfig"]
        hosts = tuple(f"127.0.0.{number}" for number in range(1, count + 1))
        given = {**self.request.get("HyperParameters", {}), "port": str(free_port(hosts[0]))}
        containers = [Container(folder / host) for host in hosts]
        for number, (container, host) in enumerate(zip(containers, hosts, strict=True)):
            container.lay_out(given, Resources(host, hosts, "lo"), [c["ChannelName"] for c in channels])
            for channel in channels:
                source = channel["DataSource"]["S3DataSource"]
                keys = objects(self.service.s3, source["S3Uri"])
                if not keys:
                    raise Refusal("", f'ClientError: No S3 objects found under S3 URL "{source["S3Uri"]}"')
                dealt = keys[number::count] if source.get("S3DataDistributionType") == "ShardedByS3Key" else keys
                fetch(self.service.s3, source["S3Uri"], dealt, container.channel(channel["ChannelName"]))
            if "CheckpointConfig" in self.request:
                address = self.request["CheckpointConfig"]["S3Uri"]
                fetch(self.service.s3, address, objects(self.service.s3, address), container.checkpoints)
        return containers

    def save(self, containers: Sequence[Container]) -> None:
        if "CheckpointConfig" not in self.request:
            return
        bucket, prefix = bucket_and_key(self.request["CheckpointConfig"]["S3Uri"])
        for container in containers:
            for file in container.checkpoints.iterdir():
                self.service.s3.upload_file(str(file), bucket, f"{prefix}/{file.name}")

    def upload(self, container: Container) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for file in sorted(container.model.iterdir()):
                archive.add(file, file.name)
        payload = packed.getvalue()
        if self.service.take("torn"):
            payload = payload[: len(payload) // 2]
        bucket, key = bucket_and_key(self.address)
        self.service.s3.put_object(Bucket=bucket, Key=key, Body=payload)

    @property
    def address(self) -> str:
        return f"{self.request['OutputDataConfig']['S3OutputPath']}/{self.name}/output/model.tar.gz"

    def described(self) -> Json:
        about = {
            "TrainingJobName": self.name,
            "TrainingJobArn": f"{ARN}:training-job/{self.name}",
            "TrainingJobStatus": "Stopping" if self.stopping and self.status == "InProgress" else self.status,
            "SecondaryStatus": self.steps[-1]["Status"],
            "SecondaryStatusTransitions": self.steps,
            "ModelArtifacts": {"S3ModelArtifacts": self.address if self.status == "Completed" else ""},
            "CreationTime": self.created,
            **{name: value for name, value in self.request.items() if name not in ("TrainingJobName", "Tags")},
        }
        if self.failure:
            about["FailureReason"] = self.failure
        if self.status != "InProgress":
            spot = 3 if self.request.get("EnableManagedSpotTraining") else 1
            about["TrainingTimeInSeconds"] = max(1, round(self.seconds))
            about["BillableTimeInSeconds"] = max(1, round(self.seconds / spot))
            about["FinalMetricDataList"] = [
                {"MetricName": name, "Value": value, "Timestamp": self.created} for name, value in self.metrics.items()
            ]
        return about


class Tuning:
    """Jobs that differ in some hyperparameters, drawn at random, one after the other."""

    def __init__(self, service: "Service", name: str, request: Json) -> None:
        self.service, self.name, self.request = service, name, request
        self.status, self.stopping, self.created = "InProgress", False, time.time()
        self.jobs: list[tuple[Job, dict[str, str]]] = []
        self.objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        config, definition = self.request["HyperParameterTuningJobConfig"], self.request["TrainingJobDefinition"]
        draw = random.Random(config.get("RandomSeed"))  # noqa: S311 - no secrets
        common = {name: value for name, value in definition.items() if name != "StaticHyperParameters"}
        for number in range(1, config["ResourceLimits"]["MaxNumberOfTrainingJobs"] + 1):
            if self.stopping:
                break
            chosen = drawn(config["ParameterRanges"], draw)
            given = {
                **definition.get("StaticHyperParameters", {}),
                **chosen,
                "_tuning_objective_metric": self.objective,
            }
            job = Job(
                self.service,
                f"{self.name}-{number:03d}-{draw.getrandbits(32):08x}",
                {**common, "HyperParameters": given},
            )
            self.service.training[job.name] = job
            self.jobs.append((job, chosen))
            job.thread.join()
        self.status = "Stopped" if self.stopping else "Completed" if self.best() else "Failed"

    def best(self) -> Json | None:
        ended = [
            (job, chosen) for job, chosen in self.jobs if self.objective in job.metrics and job.status == "Completed"
        ]
        if not ended:
            return None
        job, chosen = max(ended, key=lambda one: one[0].metrics[self.objective])
        metric = {"MetricName": self.objective, "Value": job.metrics[self.objective]}
        return {
            "TrainingJobName": job.name,
            "TrainingJobArn": f"{ARN}:training-job/{job.name}",
            "CreationTime": job.created,
            "TrainingJobStatus": job.status,
            "TunedHyperParameters": chosen,
            "FinalHyperParameterTuningJobObjectiveMetric": metric,
        }

    def described(self) -> Json:
        counts = Counter(job.status for job, _ in self.jobs)
        about = {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobArn": f"{ARN}:hyper-parameter-tuning-job/{self.name}",
            "HyperParameterTuningJobStatus": self.status,
            "CreationTime": self.created,
            "TrainingJobStatusCounters": {
                "Completed": counts["Completed"],
                "InProgress": counts["InProgress"],
                "RetryableError": 0,
                "NonRetryableError": counts["Failed"],
                "Stopped": counts["Stopped"],
            },
            "ObjectiveStatusCounters": {"Succeeded": counts["Completed"], "Pending": 0, "Failed": counts["Failed"]},
        }
        if best := self.best():
            about["BestTrainingJob"] = best
        if self.status == "Failed":
            about["FailureReason"] = "All training jobs failed. " + next(
                (j.failure for j, _ in self.jobs if j.failure), ""
            )
        return about


def drawn(ranges: Mapping[str, Sequence[Json]], draw: random.Random) -> dict[str, str]:
    """One setting of each range, as text."""
    chosen = {}
    for kind, several in ranges.items():
        for one in several:
            if kind == "CategoricalParameterRanges":
                chosen[one["Name"]] = draw.choice(one["Values"])
                continue
            low, high = float(one["MinValue"]), float(one["MaxValue"])
            logarithmic = one.get("ScalingType") == "Logarithmic"
            value = low * (high / low) ** draw.random() if logarithmic else draw.uniform(low, high)
            chosen[one["Name"]] = str(round(value)) if kind == "IntegerParameterRanges" else repr(value)
    return chosen


class Service:
    """What the account has of jobs, and the faults that were ordered."""

    def __init__(self, moto: str) -> None:
        self.moto = moto
        self.s3 = boto3.client("s3", endpoint_url=moto, region_name="ap-southeast-1")
        self.endpoints = boto3.client("sagemaker", endpoint_url=moto, region_name="ap-southeast-1")
        self.logs = boto3.client("logs", endpoint_url=moto, region_name="ap-southeast-1")
        self.training: dict[str, Job] = {}
        self.tuning: dict[str, Tuning] = {}
        self.transforms: dict[str, Transform] = {}
        self.processing: dict[str, Processing] = {}
        self.refusals: list[Json] = []
        self.orders: Counter[str] = Counter()
        self.lock = threading.Lock()

    def order(self, fault: Json) -> None:
        if "operation" in fault:
            self.refusals += [fault] * fault.get("times", 1)
        else:
            self.orders.update(fault)

    def take(self, order: str) -> bool:
        with self.lock:
            wanted = self.orders[order] > 0
            self.orders[order] -= wanted
            return wanted

    def answer(self, operation: str, given: Json) -> Json | None:
        """What an operation answers; None for one that moto answers."""
        with self.lock:
            for fault in self.refusals:
                if fault["operation"] == operation:
                    self.refusals.remove(fault)
                    raise Refusal(fault["code"], fault.get("message", "ordered by a test"))
        method: Callable[[Json], Json] | None = getattr(self, operation, None)
        if method is None:
            return None
        if faults := faults_of(MODEL.operation_model(operation).input_shape, given, operation):
            raise Refusal("ValidationException", f"{len(faults)} validation errors detected: {'; '.join(faults)}")
        return method(given)

    def CreateTrainingJob(self, given: Json) -> Json:  # noqa: N802 - AWS's name
        name = given["TrainingJobName"]
        with self.lock:
            if name in self.training:
                raise Refusal("ResourceInUse", "Training job names must be unique within an AWS account and region")
            demand(given)
            self.training[name] = Job(self, name, given)
        return {"TrainingJobArn": f"{ARN}:training-job/{name}"}

    def DescribeTrainingJob(self, given: Json) -> Json:  # noqa: N802
        job: Job = one_of(self.training, given["TrainingJobName"])
        return job.described()

    def StopTrainingJob(self, given: Json) -> Json:  # noqa: N802
        job = one_of(self.training, given["TrainingJobName"])
        if job.status != "InProgress":
            raise Refusal("ValidationException", f"The request was rejected because the job is {job.status}")
        job.stopping = True
        job.terminate()
        return {}

    def CreateHyperParameterTuningJob(self, given: Json) -> Json:  # noqa: N802
        name = given["HyperParameterTuningJobName"]
        with self.lock:
            if name in self.tuning:
                raise Refusal("ResourceInUse", "Tuning job names must be unique within an AWS account and region")
            demand(given["TrainingJobDefinition"])
            both = {
                one["Name"]
                for several in given["HyperParameterTuningJobConfig"]["ParameterRanges"].values()
                for one in several
            }
            if both & set(given["TrainingJobDefinition"].get("StaticHyperParameters", {})):
                raise Refusal("ValidationException", "A hyperparameter is both static and tuned")
            self.tuning[name] = Tuning(self, name, given)
        return {"HyperParameterTuningJobArn": f"{ARN}:hyper-parameter-tuning-job/{name}"}

    def DescribeHyperParameterTuningJob(self, given: Json) -> Json:  # noqa: N802
        tuning = one_of(self.tuning, given["HyperParameterTuningJobName"])
        return {**tuning.described(), "HyperParameterTuningJobConfig": tuning.request["HyperParameterTuningJobConfig"]}

    def StopHyperParameterTuningJob(self, given: Json) -> Json:  # noqa: N802
        tuning = one_of(self.tuning, given["HyperParameterTuningJobName"])
        tuning.stopping = True
        for job, _ in tuning.jobs:
            job.stopping = True
            job.terminate()
        return {}

    def CreateModel(self, given: Json) -> Json:  # noqa: N802
        try:
            self.endpoints.describe_model(ModelName=given["ModelName"])
        except self.endpoints.exceptions.ClientError:
            answer: Json = self.endpoints.create_model(**given)
            return {"ModelArn": answer["ModelArn"]}
        raise Refusal("ValidationException", f'Cannot create already existing model "{given["ModelName"]}".')

    def CreateTransformJob(self, given: Json) -> Json:  # noqa: N802
        name = given["TransformJobName"]
        with self.lock:
            if name in self.transforms:
                raise Refusal("ResourceInUse", "Job name must be unique within an AWS account and region")
            self.transforms[name] = Transform(self, name, given)
        return {"TransformJobArn": f"{ARN}:transform-job/{name}"}

    def DescribeTransformJob(self, given: Json) -> Json:  # noqa: N802
        job: Transform = one_of(self.transforms, given["TransformJobName"])
        return job.described()

    def StopTransformJob(self, given: Json) -> Json:  # noqa: N802
        one_of(self.transforms, given["TransformJobName"]).stop()
        return {}

    def CreateProcessingJob(self, given: Json) -> Json:  # noqa: N802
        name = given["ProcessingJobName"]
        with self.lock:
            if name in self.processing:
                raise Refusal("ResourceInUse", "Job name must be unique within an AWS account and region")
            self.processing[name] = Processing(self, name, given)
        return {"ProcessingJobArn": f"{ARN}:processing-job/{name}"}

    def DescribeProcessingJob(self, given: Json) -> Json:  # noqa: N802
        job: Processing = one_of(self.processing, given["ProcessingJobName"])
        return job.described()

    def StopProcessingJob(self, given: Json) -> Json:  # noqa: N802
        one_of(self.processing, given["ProcessingJobName"]).stop()
        return {}

    def UpdateEndpoint(self, given: Json) -> Json:  # noqa: N802
        name, config = given["EndpointName"], given["EndpointConfigName"]
        about = self.endpoints.describe_endpoint(EndpointName=name)
        if about["EndpointConfigName"] == config:
            raise Refusal("ValidationException", f"Cannot update endpoint {name} with its present configuration")
        self.endpoints.describe_endpoint_config(EndpointConfigName=config)
        if not self.take("rollback"):
            self.endpoints.delete_endpoint(EndpointName=name)
            self.endpoints.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return {"EndpointArn": about["EndpointArn"]}


def one_of(known: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401
    if name not in known:
        raise Refusal("ValidationException", "Requested resource not found.")
    return known[name]


def demand(definition: Json) -> None:
    """What the reference says in words: how long to wait for spot instances."""
    stopping, spot = definition["StoppingCondition"], definition.get("EnableManagedSpotTraining")
    if ("MaxWaitTimeInSeconds" in stopping) != bool(spot):
        raise Refusal("ValidationException", "MaxWaitTimeInSeconds is for managed spot training, and needed there")
    if spot and stopping["MaxWaitTimeInSeconds"] < stopping["MaxRuntimeInSeconds"]:
        raise Refusal("ValidationException", "MaxWaitTimeInSeconds must be at least MaxRuntimeInSeconds")


def handler_of(service: Service) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/faults":
                service.order(json.loads(body))
                self.say(200, {})
                return
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            try:
                answer = service.answer(operation, json.loads(body))
                if answer is None:
                    self.passed_on(body)
                else:
                    self.say(200, answer)
            except Refusal as refusal:
                self.say(400, {"__type": refusal.code, "message": refusal.message})
            except Exception:  # noqa: BLE001 - a fault of the stand-in shows in the test that meets it
                self.say(400, {"__type": "StandInFailed", "message": traceback.format_exc()})

        def passed_on(self, body: bytes) -> None:
            headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Content-Length")}
            try:
                with urlopen(Request(service.moto + self.path, body, headers)) as answer:  # noqa: S310 - moto's address
                    self.send(answer.status, answer.read())
            except HTTPError as error:
                self.send(error.code, error.read())

        def say(self, status: int, document: Json) -> None:
            self.send(status, json.dumps(document).encode())

        def send(self, status: int, payload: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: object) -> None:
            """Say nothing of requests."""

    return Handler


def main(moto: str) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler_of(Service(moto))) as server:
        sys.stdout.write(f"SageMaker listens on http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])

"""The hosts of the stand-in for SageMaker's jobs, for processing and batch transform, and what all kinds of jobs need:
objects, and lines of their log groups.

A batch transform starts our server on the model as SageMaker unpacks it, splits the files at their lines into payloads,
asks /invocations for each, and joins what comes back; a client of the standard library asks, which reads nothing until
it has sent all. A processing job has its inputs laid out, runs `python -m retail_forecast.pipeline.container` with the
arguments, and its outputs are uploaded at the end. Limits are those of the API reference.
"""

import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from urllib.parse import urlsplit

from retail_forecast.clouds.container import ROOT_VARIABLE, Container

Json = dict[str, Any]
ARN = "arn:aws:sagemaker:ap-southeast-1:123456789012"
MEGABYTE = 1 << 20
MOST_MEGABYTES = 100
IMAGE_ROOT = "/opt/ml/processing/"


class Refusal(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Account(Protocol):
    """Clients of moto, its address, and the faults that were ordered."""

    moto: str
    s3: Any
    logs: Any
    endpoints: Any

    def take(self, order: str) -> bool:
        """Whether that fault was ordered; it is no longer then."""


def bucket_and_key(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


def objects(s3: Any, address: str) -> list[str]:  # noqa: ANN401 - clients have no types
    bucket, prefix = bucket_and_key(address)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sorted(found["Key"] for page in pages for found in page.get("Contents", []))


def fetch(s3: Any, address: str, keys: Sequence[str], folder: Path) -> None:  # noqa: ANN401
    bucket, _ = bucket_and_key(address)
    for key in keys:
        s3.download_file(bucket, key, str(folder / Path(key).name))


class Writing:
    """Lines of one job in the log group of its kind."""

    def __init__(self, logs: Any, group: str, job: str) -> None:  # noqa: ANN401
        self.logs, self.group, self.job = logs, f"/aws/sagemaker/{group}", job
        self.begun = int(time.time())
        self.lock = threading.Lock()

    def write(self, host: str, line: str) -> None:
        stream = {"logGroupName": self.group, "logStreamName": f"{self.job}/{host}-{self.begun}"}
        with self.lock:
            with suppress(self.logs.exceptions.ResourceAlreadyExistsException):
                self.logs.create_log_group(logGroupName=self.group)
            with suppress(self.logs.exceptions.ResourceAlreadyExistsException):
                self.logs.create_log_stream(**stream)
            event = {"timestamp": round(time.time() * 1000), "message": line or " "}
            self.logs.put_log_events(**stream, logEvents=[event])


class Hosted(ABC):
    """A job in a thread of its own; `word` begins the names of its fields."""

    word, group = "", ""

    def __init__(self, account: Account, name: str, request: Json) -> None:
        self.account, self.name, self.request = account, name, request
        self.check()
        self.status, self.failure, self.message = "InProgress", "", ""
        self.stopping, self.created = False, time.time()
        self.process: subprocess.Popen[str] | None = None
        self.writing = Writing(account.logs, self.group, name)
        threading.Thread(target=self.run, daemon=True).start()

    @abstractmethod
    def check(self) -> None:
        """What the reference says in words.

        Raises
        ------
        Refusal : the request does not fit
        """

    @abstractmethod
    def work(self, folder: Path) -> None:
        """Do the job.

        Raises
        ------
        Refusal : it fails
        """

    def run(self) -> None:
        try:
            with TemporaryDirectory() as folder:
                self.work(Path(folder))
            self.status = "Stopped" if self.stopping else "Completed"
        except Refusal as refusal:
            self.failure = refusal.message
            self.status = "Stopped" if self.stopping else "Failed"

    def stop(self) -> None:
        if self.status != "InProgress":
            raise Refusal("ValidationException", f"The request was rejected because the job is {self.status}")
        self.stopping = True
        if self.process is not None:
            self.process.terminate()

    def described(self) -> Json:
        arn = "-".join([self.word.lower(), "job"])
        about = {
            f"{self.word}JobArn": f"{ARN}:{arn}/{self.name}",
            f"{self.word}JobStatus": "Stopping" if self.stopping and self.status == "InProgress" else self.status,
            "CreationTime": self.created,
            **{name: value for name, value in self.request.items() if name != "Tags"},
        }
        told = {"FailureReason": self.failure, "ExitMessage": self.message}
        return about | {name: text for name, text in told.items() if text}


class Transform(Hosted):
    """Files of lines, answered by the server of a model."""

    word, group = "Transform", "TransformJobs"

    def check(self) -> None:
        payload, at_once = self.request.get("MaxPayloadInMB", 6), self.request.get("MaxConcurrentTransforms", 1)
        if payload * at_once > MOST_MEGABYTES:
            raise Refusal("ValidationException", "MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB")
        split = self.request["TransformInput"].get("SplitType", "None")
        if self.request.get("BatchStrategy") == "MultiRecord" and split == "None":
            raise Refusal("ValidationException", "MultiRecord needs a SplitType")
        try:
            self.model = self.account.endpoints.describe_model(ModelName=self.request["ModelName"])
        except self.account.endpoints.exceptions.ClientError as error:
            raise Refusal("ValidationException", f"Could not find model: {error}") from error

    def work(self, folder: Path) -> None:
        container = self.model["PrimaryContainer"]
        archive, unpacked = folder / "model.tar.gz", Container(folder).model
        self.account.s3.download_file(*bucket_and_key(container["ModelDataUrl"]), str(archive))
        with tarfile.open(archive, "r:gz") as packed:
            packed.extractall(unpacked, filter="data")
        if self.account.take("damaged"):
            (unpacked / "model.onnx").write_bytes(b"")
        source = self.request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        keys = objects(self.account.s3, source)
        if not keys:
            raise Refusal("", f'ClientError: No S3 objects found under S3 URL "{source}"')
        with self.server(Container(folder), container.get("Environment", {})) as place:
            for key in keys:
                self.answer(place, source, key)

    @contextmanager
    def server(self, container: Container, given: Mapping[str, str]) -> Iterator[str]:
        """Host and port of our server, which is started with the word `serve`; it is told where to listen."""
        command = [sys.executable, "-m", "retail_forecast_server", "serve"]
        command += ["--host", "127.0.0.1", "--port", "0", "--json"]
        environment = os.environ | dict(given) | {ROOT_VARIABLE: str(container.root)}
        log = container.root / "stderr"
        with (
            log.open("w") as errors,
            subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as self.process,
        ):
            assert self.process.stdout is not None
            try:
                told = json.loads(self.process.stdout.readline() or "{}")
                if "url" not in told or self.stopping:
                    raise Refusal("", "ClientError: the container did not pass the ping health check")
                yield urlsplit(told["url"]).netloc
            finally:
                self.process.terminate()
                self.process.wait()
                for line in log.read_text("utf-8").splitlines():
                    self.writing.write("i-0a1b2c3d", line)

    def answer(self, place: str, source: str, key: str) -> None:
        """Answer one file; its answers are uploaded when all of it is answered."""
        bucket, prefix = bucket_and_key(source)
        lines = self.account.s3.get_object(Bucket=bucket, Key=key)["Body"].read().splitlines(keepends=True)
        with ThreadPoolExecutor(self.request.get("MaxConcurrentTransforms", 1)) as pool:
            answers = list(pool.map(lambda payload: self.asked(place, payload), self.payloads(lines)))
        end = b"\n" if self.request["TransformOutput"].get("AssembleWith") == "Line" else b""
        left, below = bucket_and_key(self.request["TransformOutput"]["S3OutputPath"])
        name = f"{below}/{key.removeprefix(prefix).lstrip('/')}.out"
        self.account.s3.put_object(Bucket=left, Key=name, Body=b"".join(answer + end for answer in answers))

    def payloads(self, lines: Sequence[bytes]) -> list[bytes]:
        most = self.request.get("MaxPayloadInMB", 6) * MEGABYTE
        if self.request.get("BatchStrategy") != "MultiRecord":
            return list(lines)
        found = [b""]
        for line in lines:
            if len(found[-1]) + len(line) > most:
                found.append(b"")
            found[-1] += line
        if any(len(payload) > most for payload in found):
            raise Refusal("", "ClientError: a record is larger than MaxPayloadInMB")
        return found

    def asked(self, place: str, payload: bytes) -> bytes:
        if self.stopping:
            raise Refusal("", "stopped")
        headers = {"Content-Type": self.request["TransformInput"]["ContentType"]}
        headers["Accept"] = self.request["TransformOutput"].get("Accept", "*/*")
        connection = HTTPConnection(place, timeout=60)
        try:
            connection.request("POST", "/invocations", payload, headers)
            answer = connection.getresponse()
            body = answer.read()
        except OSError as error:
            raise Refusal("", "ClientError: See job logs for more information") from error
        finally:
            connection.close()
        if answer.status != 200:
            self.writing.write("data-log", f"Bad HTTP status received from algorithm: {answer.status} {body.decode()}")
            raise Refusal("", "ClientError: See job logs for more information")
        return body

    def described(self) -> Json:
        return {"TransformJobName": self.name, **super().described()}


class Processing(Hosted):
    """A container that finds its inputs in folders, and leaves its outputs there."""

    word, group = "Processing", "ProcessingJobs"

    def check(self) -> None:
        inputs = [one["S3Input"] for one in self.request.get("ProcessingInputs", [])]
        outputs = [one["S3Output"] for one in self.request.get("ProcessingOutputConfig", {}).get("Outputs", [])]
        if wrong := [one["LocalPath"] for one in inputs + outputs if not one["LocalPath"].startswith(IMAGE_ROOT)]:
            raise Refusal("ValidationException", f"LocalPath must begin with {IMAGE_ROOT}: {wrong}")

    def work(self, folder: Path) -> None:
        for one in self.request.get("ProcessingInputs", []):
            source, place = one["S3Input"]["S3Uri"], folder / one["S3Input"]["LocalPath"].removeprefix("/opt/ml/")
            place.mkdir(parents=True)
            keys = objects(self.account.s3, source)
            if not keys:
                raise Refusal("", f'ClientError: No S3 objects found under S3 URL "{source}"')
            fetch(self.account.s3, source, keys, place)
        self.execute(Container(folder))
        for one in self.request["ProcessingOutputConfig"]["Outputs"]:
            bucket, key = bucket_and_key(one["S3Output"]["S3Uri"])
            for file in (folder / one["S3Output"]["LocalPath"].removeprefix("/opt/ml/")).iterdir():
                self.account.s3.upload_file(str(file), bucket, f"{key}/{file.name}")

    def execute(self, container: Container) -> None:
        command = [sys.executable, "-m", "retail_forecast.pipeline.container"]
        command += self.request["AppSpecification"].get("ContainerArguments", [])
        environment = os.environ | self.request.get("Environment", {}) | {ROOT_VARIABLE: str(container.root)}
        environment |= {"AWS_ENDPOINT_URL": self.account.moto, "AWS_REGION": "ap-southeast-1"}
        if self.request.get("NetworkConfig", {}).get("EnableNetworkIsolation") or self.account.take("astray"):
            environment |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}  # where nobody listens
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as self.process:
            assert self.process.stdout is not None
            if self.stopping:
                self.process.terminate()
            for line in self.process.stdout:
                self.writing.write("algo-1", line.rstrip())
        if self.process.returncode:
            if container.message.exists():
                self.message = container.message.read_text("utf-8")
            raise Refusal("", f"AlgorithmError: See job logs, exit code: {abs(self.process.returncode)}")

    def described(self) -> Json:
        return {"ProcessingJobName": self.name, **super().described()}

"""The server as a process: it starts on its own port, answers, carries nothing that trains, and stops when told."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psutil
import pytest

from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.spooled import read_segment, segments
from retail_forecast_server.process import serving

Running = Callable[..., AbstractContextManager[subprocess.Popen[Any]]]

BODY = json.dumps({"lines": [{"prod_code": "PRD0000120", "quantity": 1, "spend_gbp": 1.01}]}).encode()
MAIN = [sys.executable, "-m", "retail_forecast_server", "--json", "--port", "0"]
COMMAND = [sys.executable, "-c", "from retail_forecast.cli.main import main; main()", "serve"]

HEAVY = (
    "duckdb",
    "deltalake",
    "pandas",
    "torch",
    "mlflow",
    "scipy",
    "sklearn",
    "pyarrow",
    "obstore",
    "boto",
    "xgboost",
)
MOST_MEMORY = 200e6
MOST_SECONDS = 3.0


@pytest.fixture(scope="module")
def url(tiny_bundle: tuple[Path, str]) -> Iterator[str]:
    with serving(bundle=tiny_bundle[0]) as address:
        yield address


def _ask(url: str, body: bytes = BODY) -> Any:  # noqa: ANN401 - one answer or a list
    asked = Request(f"{url}/v1/predict", body, {"Content-Type": "application/json"})  # noqa: S310 - our own server
    with urlopen(asked, timeout=20) as response:  # noqa: S310
        return json.load(response)


def _alive(url: str) -> dict[str, Any]:
    with urlopen(f"{url}/healthz", timeout=20) as response:  # noqa: S310 - our own server
        return dict(json.load(response))


def test_it_answers_over_a_socket(url: str) -> None:
    assert url.startswith("http://127.0.0.1:")
    assert _ask(url)["label"] == "UM"


def test_many_at_once_are_answered_alike(url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _ask(url), range(64)))
    assert answers == [answers[0]] * 64


def test_one_connection_serves_many_requests(url: str) -> None:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
    for _ in range(3):
        connection.request("POST", "/v1/predict", BODY, {"Content-Type": "application/json"})
        assert connection.getresponse().read().startswith(b'{"basket_id":null,"label":"UM"')
    connection.close()


@pytest.mark.parametrize("sent", [b"", b'{"lines":'])
def test_a_client_that_leaves_does_no_harm(url: str, sent: bytes) -> None:
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as client:
        head = "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
        client.sendall(head.encode() + sent)
    assert _ask(url)["label"] == "UM"


def test_a_body_over_the_limit_over_a_socket(url: str) -> None:
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=20) as client:
        head = (
            "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 8000001\r\n\r\n"
        )
        client.sendall(head.encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 413 ")
    assert _ask(url)["label"] == "UM"


@pytest.mark.skipif(sys.platform != "linux", reason="libraries of a process are read from /proc")
def test_no_library_that_trains_is_in_the_process(url: str) -> None:
    libraries = Path(f"/proc/{_alive(url)['pid']}/maps").read_text("utf-8")
    assert "onnxruntime" in libraries
    assert [name for name in HEAVY if f"/{name}" in libraries] == []


def test_memory_of_the_worker(url: str) -> None:
    _ask(url)
    assert psutil.Process(_alive(url)["pid"]).memory_info().rss <= MOST_MEMORY


def test_no_module_that_trains_is_imported(tiny_bundle: tuple[Path, str]) -> None:
    program = (
        "import sys; from pathlib import Path; import retail_forecast_server.app, retail_forecast_server.__main__\n"
        "from retail_forecast_server.models import Source\n"
        "from retail_forecast_server.shelf import open_shelf\n"
        "open_shelf(Source(Path(), Path(sys.argv[1]))).describe()\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tiny_bundle[0])], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert {"onnxruntime", "fastapi", "granian"} <= loaded
    assert loaded & {*HEAVY, "boto3", "botocore", "azure", "typer", "rich", "pyspark", "matplotlib"} == set()


def test_two_servers_agree_exactly_and_stand_apart(url: str, tiny_bundle: tuple[Path, str]) -> None:
    body = json.dumps([json.loads(BODY)] * 5).encode()
    with serving(bundle=tiny_bundle[0]) as other:
        assert other != url
        assert _alive(other)["instance"] != _alive(url)["instance"]
        assert _ask(other, body) == _ask(url, body)


def test_nothing_is_left_of_a_server_that_was_stopped(tiny_bundle: tuple[Path, str]) -> None:
    with serving(bundle=tiny_bundle[0]) as address:
        worker = psutil.Process(_alive(address)["pid"])
        main = worker.parent()
    assert main is not None
    assert not worker.is_running()
    assert not main.is_running()
    with pytest.raises(OSError, match="refused"):
        _alive(address)


def _fail_while_serving(bundle: Path, seen: list[psutil.Process]) -> None:
    with serving(bundle=bundle) as address:
        seen.append(psutil.Process(_alive(address)["pid"]))
        raise ZeroDivisionError


def test_it_is_stopped_when_the_block_fails(tiny_bundle: tuple[Path, str]) -> None:
    seen: list[psutil.Process] = []
    with pytest.raises(ZeroDivisionError):
        _fail_while_serving(tiny_bundle[0], seen)
    assert [worker.is_running() for worker in seen] == [False]


def _in_flight(url: str) -> float:
    with urlopen(f"{url}/metrics", timeout=20) as response:  # noqa: S310 - our own server
        lines = response.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith("retail_forecast_requests_in_flight ")).split()[1])


def test_a_worker_that_is_killed_is_replaced(tiny_bundle: tuple[Path, str]) -> None:
    with serving(bundle=tiny_bundle[0], settings={"WORKERS": "2"}) as url:
        client = HTTPConnection(urlsplit(url).netloc, timeout=20)
        client.request("GET", "/healthz")
        killed = psutil.Process(json.load(client.getresponse())["pid"])
        main = killed.parent()
        assert main is not None
        before = {child.pid for child in main.children()}
        client.putrequest("POST", "/v1/predict")
        client.putheader("Content-Type", "application/json")
        client.putheader("Content-Length", "500")
        client.endheaders()
        while _in_flight(url) < 2:
            pass
        killed.kill()
        client.close()
        while _alive_soon(url) in before | {None}:
            assert main.is_running()
        assert _in_flight(url) == 1, "the request that was lost with its worker is not under way any more"
        assert _ask(url)["label"] == "UM"


def _alive_soon(url: str) -> int | None:
    """Who answers; None while a connection went to the one that was killed."""
    try:
        return int(_alive(url)["pid"])
    except OSError:
        return None


def test_workers_do_not_outlive_a_main_process_that_was_killed(running: Running, tiny_bundle: tuple[Path, str]) -> None:
    command = [*MAIN, "--bundle", str(tiny_bundle[0])]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        worker = psutil.Process(_alive(json.loads(process.stdout.readline())["url"])["pid"])
        process.kill()
    _, left = psutil.wait_procs([worker], timeout=30)
    assert left == []


def test_without_a_champion_the_caller_learns_why(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="no champion yet"), serving(tmp_path):
        raise AssertionError


def test_settings_that_do_not_fit_reach_the_caller(tmp_path: Path) -> None:
    (tmp_path / "retail-forecast.yaml").write_text("server: {max_baskets: 0}\n", "utf-8")
    with pytest.raises(PlaceError, match="max_baskets"), serving(tmp_path):
        raise AssertionError


def test_keys_of_the_workspace_do_not_shut_out_the_caller(tmp_path: Path, tiny_bundle: tuple[Path, str]) -> None:
    settings = f"server: {{host: 0.0.0.0, port: 1, api_key_sha256: ['{'0' * 64}']}}\n"
    (tmp_path / "retail-forecast.yaml").write_text(settings, "utf-8")
    with serving(tmp_path, bundle=tiny_bundle[0]) as address:
        assert _ask(address)["label"] == "UM"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_success(
    running: Running, tiny_bundle: tuple[Path, str], number: signal.Signals
) -> None:
    started = time.perf_counter()
    with running([*MAIN, "--bundle", str(tiny_bundle[0])], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        seconds = time.perf_counter() - started
        assert (told["pid"], told["ready"], told["model_version"]) == (process.pid, True, tiny_bundle[0].name)
        assert _ask(told["url"])["label"] == "UM"
        process.send_signal(number)
        rest, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert rest == b""
    assert [json.loads(line)["event"] for line in log.splitlines()][:1] == ["model loaded"]
    # Generous: other tests share the machine. `benchmarks` measure the start on a quiet one.
    assert seconds < MOST_SECONDS * 4


def test_the_command_without_a_model_runs_but_is_not_ready(running: Running, tmp_path: Path) -> None:
    command = [*COMMAND, "--workspace", str(tmp_path), "--port", "0"]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
    assert line.startswith("Serving at http://127.0.0.1:")
    assert "not ready: task basket has no champion yet" in line
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--host", "0.0.0.0"], 2, "no API key"),  # noqa: S104 - it is refused
        (["--port", "70000"], 2, "--port"),
        (["--port", "TAKEN"], 5, "in use"),
        (["--host", "no.such.host.invalid"], 2, "no address"),
    ],
)
def test_what_the_command_refuses(tmp_path: Path, options: list[str], code: int, says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [*COMMAND, "--workspace", str(tmp_path), "--json", *(port if o == "TAKEN" else o for o in options)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["exit_code"]) == (code, code)
    assert says in error["what"]
    assert error["mend"]


def test_the_module_refuses_like_the_command(tmp_path: Path) -> None:
    command = [*MAIN, "--host", "0.0.0.0", "--workspace", str(tmp_path)]  # noqa: S104 - it is refused
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "no API key" in json.loads(done.stdout)["error"]["what"]


def test_a_request_under_way_is_answered_before_the_server_stops(
    running: Running, tiny_bundle: tuple[Path, str]
) -> None:
    command = [*MAIN, "--bundle", str(tiny_bundle[0])]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        place = urlsplit(json.loads(process.stdout.readline())["url"])
        with socket.create_connection((place.hostname, place.port), timeout=20) as client:
            head = "POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            client.sendall(f"{head}Expect: 100-continue\r\nContent-Length: {len(BODY)}\r\n\r\n".encode())
            assert client.recv(4096).startswith(b"HTTP/1.1 100 "), "the server waits for the body"
            process.send_signal(signal.SIGTERM)
            client.sendall(BODY)
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert process.returncode == 0


def test_a_stream_that_stands_still_is_cut_and_its_answers_are_logged(
    running: Running, tiny_bundle: tuple[Path, str], tmp_path: Path
) -> None:
    environment = os.environ | {"RETAIL_FORECAST_SERVER__PREDICTION_LOG": str(tmp_path)}
    command = [*MAIN, "--bundle", str(tiny_bundle[0])]
    with running(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        place = urlsplit(json.loads(process.stdout.readline())["url"])
        with socket.create_connection((place.hostname, place.port), timeout=20) as client:
            head = "POST /v1/predict/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
            rows = (BODY + b"\n") * 2_000
            client.sendall(f"{head}Content-Length: {2 * len(rows)}\r\n\r\n".encode() + rows)
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    kept = [entry.position for segment in segments(tmp_path) for entry in read_segment(segment.path)]
    assert kept == list(range(len(kept)))
    assert len(kept) > 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody signed, and its key."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    made = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), made, made + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return chain, secret


def test_it_speaks_https_with_a_certificate(
    running: Running, tiny_bundle: tuple[Path, str], certificate: tuple[Path, Path]
) -> None:
    files = {"TLS_CERT": str(certificate[0]), "TLS_KEY": str(certificate[1])}
    environment = os.environ | {f"RETAIL_FORECAST_SERVER__{name}": value for name, value in files.items()}
    command = [*MAIN, "--bundle", str(tiny_bundle[0])]
    with running(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        trusting = ssl.create_default_context(cafile=str(certificate[0]))
        asked = Request(f"{url}/v1/predict", BODY, {"Content-Type": "application/json"})  # noqa: S310 - our own server
        with urlopen(asked, timeout=20, context=trusting) as response:  # noqa: S310
            assert json.load(response)["label"] == "UM"
        process.terminate()
    assert url.startswith("https://127.0.0.1:")


def test_https_needs_both_files(tmp_path: Path) -> None:
    environment = os.environ | {"RETAIL_FORECAST_SERVER__TLS_CERT": str(tmp_path / "none")}
    done = subprocess.run([*MAIN], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "certificate" in json.loads(done.stdout)["error"]["what"]

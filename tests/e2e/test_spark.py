"""Spark on a real standalone master with two workers on the loopback interface: the labels of a local run, always."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "spark_job.py"
ROWS = int(os.environ.get("SPARK_TEST_ROWS", "20000"))
"""Few, so that the test ends within a minute or two; `examples/measure_batch.py` runs a million."""


@dataclass
class Cluster:
    """A master and its workers, each a process of its own."""

    master: str
    home: Path
    folder: Path
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(ROOT / "serve"), os.environ.get("PYTHONPATH", "")])
        return os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable}

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self.folder / "cluster.log").open("ab")
        command = [str(self.home / "bin" / "spark-class"), *arguments]
        return subprocess.Popen(command, stdout=log, stderr=log, env=self.environment(), start_new_session=True)

    def add_worker(self) -> None:
        port = str(free_port())
        size = ["--cores", "1", "--memory", "1g"]
        places = ["--host", "127.0.0.1", "--webui-port", port, "--work-dir", str(self.folder / f"worker{port}")]
        self.workers.append(self.start("org.apache.spark.deploy.worker.Worker", *size, *places, self.master))

    def submit(self, source: Path, output: Path, model: Path) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            str(EXAMPLE),
            str(source),
            str(output),
            "--column",
            "description",
            "--model",
            str(model),
        ]
        log = (self.folder / "job.log").open("ab")
        return subprocess.Popen([*command, "--master", self.master], env=self.environment(), stdout=log, stderr=log)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def end(process: subprocess.Popen[bytes], with_signal: int = signal.SIGTERM) -> None:
    """End a process and what it started."""
    if process.poll() is None:
        os.killpg(process.pid, with_signal)
        process.wait(30)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    pyspark = pytest.importorskip("pyspark", reason="the spark extra is not installed")
    if shutil.which("java") is None:
        pytest.skip("no Java virtual machine on this machine")
    port = free_port()
    found = Cluster(f"spark://127.0.0.1:{port}", Path(pyspark.__file__).parent, tmp_path)
    places = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", str(free_port())]
    master = found.start("org.apache.spark.deploy.master.Master", *places)
    try:
        wait_for(port)
        found.add_worker()
        found.add_worker()
        yield found
    finally:
        for process in [*found.workers, master]:
            end(process)


def wait_for(port: int, seconds: float = 120) -> None:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"nothing listens on port {port}")


def source_rows(path: Path) -> None:
    words = ["COFFEE", "HOTEL", "PHARMACY", "TAXI", "QZXV", "PIZZERIA", "PAYROLL"]
    lines = [json.dumps({"id": i, "description": f"BLUE {words[i % 7]} {i % 3001}"}) for i in range(ROWS)]
    path.write_text("\n".join(lines) + "\n")


def labels(paths: Iterator[Path]) -> list[tuple[int, str | None, str | None, float]]:
    found = []
    for path in paths:
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            found.append((row["id"], row.get("mcc"), row.get("label"), row["confidence"]))
    return sorted(found, key=lambda row: row[0])


def scored_here(source: Path, output: Path, model: Path) -> list[tuple[int, str | None, str | None, float]]:
    command = [sys.executable, "-m", "merchant_classifier.cli", "score", str(source), "-o", str(output)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "serve")}
    subprocess.run([*command, "--model", str(model), "--column", "description"], check=True, env=environment)
    return labels(iter([output]))


@pytest.mark.parametrize("kill_a_worker", [False, True], ids=["undisturbed", "one worker killed"])
def test_two_workers_give_the_labels_of_a_local_run(
    cluster: Cluster, kill_a_worker: bool, tmp_path: Path, tiny_path: Path
) -> None:
    source, output = tmp_path / "rows.jsonl", tmp_path / "scored"
    source_rows(source)
    expected = scored_here(source, tmp_path / "local.jsonl", tiny_path)
    job = cluster.submit(source, output, tiny_path)
    if kill_a_worker:
        wait_for_work(cluster, output)
        end(cluster.workers[0], signal.SIGKILL)
        assert job.poll() is None, "the job was over before a worker could be killed"
    assert job.wait(900) == 0, (tmp_path / "job.log").read_text("utf-8", "replace")[-3000:]
    said = (tmp_path / "job.log").read_text("utf-8", "replace")
    assert ("Lost executor" in said) is kill_a_worker, "the job must have seen the loss, and no other"
    found = labels(output.glob("part-*"))
    assert len(found) == ROWS
    assert found == expected


def wait_for_work(cluster: Cluster, output: Path, seconds: float = 300) -> None:
    """Until the first of many tasks has written its part."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and not list(output.glob("_temporary/*/task_*")):
        time.sleep(0.05)

"""Stage run: the chained stages in order, skipping those whose result is there and whose inputs are the same.

A finished stage leaves `build/<run>/<stage>.done`, which holds a hash of what
decided its result: the sections of the configuration that it reads, the files
of rows (for the first stage) and the hash of the stage before it. Code is not
hashed: after editing a stage, `--from STAGE` runs it and all later ones again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

from train import config as configs
from train import former, runs
from train.config import Config
from train.evaluation import GOLDEN_SET
from train.labels import OWN
from train.stages import CHAIN, Stage

_PIECE = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One option: where to start again."""
    names = [stage.name for stage in CHAIN]
    parser.add_argument(
        "--from", dest="start", choices=names, metavar="STAGE", help="run this stage and all later ones again"
    )


def run(args: argparse.Namespace) -> int:
    """Run what is not finished; stops at the first stage that does not end with 0."""
    config = configs.load(args.config)
    forced = False
    for stage, key in zip(CHAIN, _keys(config), strict=True):
        forced = forced or stage.name == args.start
        done = config.build / f"{stage.name}.done"
        if not forced and _is_done(done, key):
            print(f"{stage.name}: finished before, skipped")
            continue
        forced = True
        code = _run_stage(stage, args.config, done, key)
        if code:
            return code
    return 0


def _run_stage(stage: Stage, config: str, done: Path, key: str) -> int:
    done.unlink(missing_ok=True)
    started = time.monotonic()
    print(f"{stage.name}: started", flush=True)
    module = stage.load()
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    code = module.run(parser.parse_args([], argparse.Namespace(config=config, stage=stage.name)))
    if code == 0:
        with runs.replacing(done) as temporary:
            temporary.write_text(key + "\n", "utf-8")
        print(f"{stage.name}: done in {time.monotonic() - started:.0f} s", flush=True)
    return code


def _is_done(done: Path, key: str) -> bool:
    return done.exists() and done.read_text("utf-8").strip() == key


def _keys(config: Config) -> Iterator[str]:
    """The hash of each chained stage's inputs."""
    content = configs.to_dict(config)
    key = _hash_of_files(config)
    for stage in CHAIN:
        sections = {name: content[name] for name in ("seed", *stage.reads)}
        text = json.dumps([key, stage.name, sections], sort_keys=True)
        key = hashlib.sha256(text.encode("utf-8")).hexdigest()
        yield key


def _hash_of_files(config: Config) -> str:
    """Of every source, a former model, and the taxonomy with its golden set.

    What is missing counts as such; the stage that needs it complains.
    """
    paths = [source.path for source in config.data.sources] + [str(path) for path in former.files(config)]
    if config.data.labels != OWN:
        paths += [config.data.labels, str(GOLDEN_SET)]
    digest = hashlib.sha256()
    for path in map(Path, paths):
        digest.update(f"{path}\0{_hash_of_file(path) if path.is_file() else 'missing'}\n".encode())
    return digest.hexdigest()


def _hash_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()

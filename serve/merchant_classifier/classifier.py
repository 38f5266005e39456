"""MerchantClassifier: one forward pass from description to answer."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from merchant_classifier import bundle as bundles
from merchant_classifier.brands import Brands
from merchant_classifier.decision import NOT_A_MERCHANT, Decider, Verdict
from merchant_classifier.encoding import Encoder
from merchant_classifier.errors import BundleCorrupt
from merchant_classifier.memo import Memo, MemoStatistics
from merchant_classifier.memory import Decision, Memory
from merchant_classifier.neighbours import Evidence, Neighbours, majority
from merchant_classifier.network import LOGITS, REPRESENTATION, Network
from merchant_classifier.pace import Pace
from merchant_classifier.prediction import Mode, Prediction, Reason
from merchant_classifier.risk import RiskWords
from merchant_classifier.text import MAX_CHARACTERS, MAX_WORDS, Descriptor, normalize
from merchant_classifier.word_table import WordTable

ROWS_PER_RUN = 128
"""Rows given to the network at once: enough to use a core fully, small enough to stay in its cache."""

JUDGED_AT_ONCE = 4096
"""Descriptions whose probabilities are in memory at once: 320 labels in double precision, some copies, are 30 MB."""

_NO_TEXT = Verdict(None, None, 0.0, Reason.NO_TEXT, ())
_WARM_UP_ROUNDS = 3
_LIVE: WeakSet[MerchantClassifier] = WeakSet()
_Judged = tuple[Descriptor, Verdict]


class MerchantClassifier:
    """A loaded model, safe to share between threads and with processes forked after `load`.

    Use `load`, not the constructor. `predict(t)` is `predict_many([t])[0]`: an
    answer depends on its description alone, never on the batch it came in.
    """

    def __init__(
        self, bundle: bundles.Bundle, *, mode: Mode, threads: int, memo: int, memory: str | Path | None
    ) -> None:
        self.version = bundle.version
        self.identity = bundle.identity
        self.mode = mode
        content, labels_path = bundle.labels, bundle.directory / bundles.LABELS
        self._decider = Decider.from_bundle(labels_path, content)
        self._risk = RiskWords.from_bundle(labels_path, content, self._decider.labels)
        self._brands = Brands.from_bundle(labels_path, content)
        self._encoder = Encoder(
            WordTable.from_bytes(bundle.directory / bundles.WORD_TABLE, bundle.files[bundles.WORD_TABLE])
        )
        self._network = Network(bundle, threads)
        self._check_fit(bundle.directory / bundles.NETWORK)
        self._pace = Pace(MAX_WORDS)
        self._memo: Memo[_Judged] | None = Memo(memo) if memo else None
        self._neighbours = Neighbours.from_bundle(bundle, self._network.sizes[REPRESENTATION])
        self._label_of = {label.name: label for label in self._decider.labels}
        self.memory = Memory(memory, self._label_of, partial(self._forward, output=REPRESENTATION)) if memory else None
        _LIVE.add(self)

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        mode: Mode | str = Mode.BALANCED,
        threads: int = 1,
        memo: int = 0,
        memory: str | Path | None = None,
        expected_sha256: str | None = None,
        public_key: bytes | None = None,
    ) -> MerchantClassifier:
        """Verify, open and warm up a model.

        Args:
            path: a model directory, or a directory with a `CURRENT` file; None is the model shipped with this package.
            mode: default mode of `predict`.
            threads: threads of one forward pass; more raise throughput of large batches only and hurt the tail.
            memo: how many repeated descriptions are remembered with their verdicts; 0 remembers none.
            memory: a merchant memory file, whose rules overrule the network; followed while it changes (see `memory`).
            expected_sha256: identity the model must have.
            public_key: raw Ed25519 key the manifest must be signed with.

        Raises:
            BundleError: the model is missing, damaged, incompatible or not signed.
            MemoryFileError: the memory file cannot be read or has a wrong line.
            ValueError: unknown mode, threads below 1 or memo below 0.
        """
        if threads < 1 or memo < 0:
            raise ValueError(f"threads must be at least 1 and memo at least 0, got {threads} and {memo}")
        bundle = bundles.read(bundles.locate(path), expected_sha256=expected_sha256, public_key=public_key)
        classifier = cls(bundle, mode=Mode(mode), threads=threads, memo=memo, memory=memory)
        classifier._warm_up()
        return classifier

    def at_threshold(self, threshold: float) -> MerchantClassifier:
        """The same model, without a memo, naming what has at least this confidence (0 to 1), whatever the mode."""
        other = copy(self)
        other._decider = self._decider.at_threshold(threshold)
        other._memo = None
        _LIVE.add(other)
        return other

    @property
    def decider(self) -> Decider:
        """The labels and the rule from logits to answers."""
        return self._decider

    @property
    def labels(self) -> tuple[str, ...]:
        """Texts of the labels, in the order of the network's classes."""
        return tuple(label.text for label in self._decider.labels)

    @property
    def memo_statistics(self) -> MemoStatistics | None:
        """Hits and size of the memo; None without one."""
        return self._memo.statistics() if self._memo else None

    def predict(
        self, description: str, *, mode: Mode | str | None = None, budget_ms: float | None = None
    ) -> Prediction:
        """Classify one description.

        Args:
            description: any string: empty, emoji, a megabyte.
            mode: overrides the classifier's.
            budget_ms: milliseconds the caller can wait. Checked against a running estimate before the network runs;
                an answer that was begun is given, even when it comes late.

        Raises:
            TypeError: `description` is not a `str`.
            DeadlineExceeded: the answer would probably come later than the budget.
        """
        deadline = None if budget_ms is None else perf_counter() + budget_ms / 1000
        judged = self._judge([description], self.mode if mode is None else Mode(mode), deadline)[0]
        return self._prediction(description, judged)

    def predict_many(self, descriptions: Iterable[str], *, mode: Mode | str | None = None) -> list[Prediction]:
        """Classify descriptions; answers come in their order.

        Raises:
            TypeError: one is not a `str`, or the whole argument is one.
        """
        if isinstance(descriptions, str):
            raise TypeError("predict_many takes several descriptions, got one str")
        descriptions = list(descriptions)
        chosen = self.mode if mode is None else Mode(mode)
        answers: list[Prediction] = []
        for start in range(0, len(descriptions), JUDGED_AT_ONCE):
            part = descriptions[start : start + JUDGED_AT_ONCE]
            answers += map(self._prediction, part, self._judge(part, chosen))
        return answers

    def explain(self, description: str, *, count: int = 5, mode: Mode | str | None = None) -> Evidence:
        """The answer for a description, and the labelled merchants nearest to it in the same forward pass.

        Args:
            description: any string.
            count: neighbours to give.
            mode: overrides the classifier's.

        Raises:
            TypeError: `description` is not a `str`.
        """
        descriptor = normalize(description)
        if not descriptor.words:
            return Evidence(self._prediction(description, (descriptor, _NO_TEXT)), (), None, None)
        logits, vectors = self._network.run_both(self._encoder.encode([descriptor.words]))
        logits = self._risk.heard(logits, [descriptor.words])
        verdict = self._decider.decide(logits, self.mode if mode is None else Mode(mode))[0]
        near = self._neighbours.nearest(vectors[0], count)
        if self.memory:
            near = sorted(near + self.memory.nearest(vectors[0], count), key=lambda found: -found.similarity)[:count]
        label, best = majority(near), self._decider.labels[int(logits[0].argmax())].name
        agree = None if label is None else label == best
        return Evidence(self._prediction(description, (descriptor, verdict)), tuple(near), label, agree)

    def logits(self, descriptions: Sequence[str]) -> NDArray[np.float32]:
        """What is calibrated and decided on, float32 (descriptions, labels), zeros where there is no text."""
        return self._outputs(descriptions, LOGITS)

    def represent(self, descriptions: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of the same forward pass, float32 (descriptions, size), zeros where there is no text."""
        return self._outputs(descriptions, REPRESENTATION)

    def _outputs(self, descriptions: Sequence[str], output: str) -> NDArray[np.float32]:
        descriptors = [normalize(description) for description in descriptions]
        readable = [i for i, descriptor in enumerate(descriptors) if descriptor.words]
        rows = self._forward([descriptors[i].words for i in readable], output)
        out = np.zeros((len(descriptors), rows.shape[1]), np.float32)
        out[readable] = rows
        return out

    def _judge(self, descriptions: Sequence[str], mode: Mode, deadline: float | None = None) -> list[_Judged]:
        """What the network says about each description, from the memo where it knows."""
        if self._memo is None:
            return self._judge_afresh(descriptions, mode, deadline)
        return self._memo.through(
            # No more of a description is ever read.
            [(mode, text[:MAX_CHARACTERS]) for text in descriptions],
            lambda keys: self._judge_afresh([text for _, text in keys], mode, deadline),
        )

    def _judge_afresh(self, descriptions: Sequence[str], mode: Mode, deadline: float | None) -> list[_Judged]:
        start = perf_counter()
        descriptors = [normalize(description) for description in descriptions]
        if deadline is not None:
            self._pace.check(len(descriptors[0].words), perf_counter(), deadline)
        rows = [descriptor.words for descriptor in descriptors if descriptor.words]
        verdicts = iter(self._decider.decide(self._forward(rows, LOGITS), mode) if rows else ())
        judged = [(descriptor, next(verdicts) if descriptor.words else _NO_TEXT) for descriptor in descriptors]
        if len(descriptors) == 1:
            self._pace.observe(len(descriptors[0].words), start, perf_counter())
        return judged

    def _forward(self, rows: Sequence[tuple[str, ...]], output: str) -> NDArray[np.float32]:
        """One output for each row of words: the network's, in which risky words are heard where it is the logits."""
        out = self._run(rows, output)
        return self._risk.heard(out, rows) if output == LOGITS else out

    def _run(self, rows: Sequence[tuple[str, ...]], output: str) -> NDArray[np.float32]:
        """One output of the network; rows of equal length run together, without padding."""
        if len(rows) == 1:  # nothing to group: a single call comes here most often
            return self._network.run(output, self._encoder.encode(rows))
        out = np.empty((len(rows), self._network.sizes[output]), np.float32)
        groups: dict[int, list[int]] = defaultdict(list)
        for index, words in enumerate(rows):
            groups[len(words)].append(index)
        for group in groups.values():
            for start in range(0, len(group), ROWS_PER_RUN):
                chunk = group[start : start + ROWS_PER_RUN]
                vectors = self._encoder.encode([rows[index] for index in chunk])
                out[chunk] = self._network.run(output, vectors)
        return out

    def _prediction(self, description: str, judged: _Judged) -> Prediction:
        """The answer for one description. What may overrule the network is asked here and nowhere else."""
        answer = self._network_answer(*judged)
        words = judged[0].words
        decision = self.memory.find(description, words) if self.memory else None
        return self._overruled(answer, decision, words) if decision else answer

    def _overruled(self, answer: Prediction, decision: Decision, words: Sequence[str]) -> Prediction:
        label = self._label_of[decision.rule.mcc]
        return replace(
            answer,
            mcc=label.mcc,
            label=None if label.category == NOT_A_MERCHANT else label.text,
            category=label.category,
            confidence=decision.confidence,
            reason=Reason.MEMORY,
            brand_mcc=self._brands.code(label.mcc, words),
            decided_by=f"memory#{decision.rule.id}",
        )

    def _network_answer(self, descriptor: Descriptor, verdict: Verdict) -> Prediction:
        label = verdict.label
        mcc = label.mcc if label else None
        candidates = verdict.candidates
        return Prediction(
            mcc=mcc,
            label=label.text if label else None,
            category=verdict.category,
            confidence=verdict.confidence,
            reason=verdict.reason,
            brand_mcc=self._brands.code(mcc, descriptor.words) if mcc else None,
            model_mcc=candidates[0].mcc if candidates else None,
            candidates=candidates,
            merchant=descriptor.merchant,
            intermediary=descriptor.intermediary,
            decided_by="model",
            model_version=self.version,
        )

    def _check_fit(self, path: Path) -> None:
        """Refuse files that are each whole but were not made for each other."""
        found = self._network.dimensions, self._network.sizes[LOGITS]
        needed = self._encoder.dimensions, len(self._decider.labels)
        if found != needed:
            raise BundleCorrupt(path, "{} dimensions and {} labels".format(*needed), "{} and {}".format(*found))

    def _warm_up(self) -> None:
        """Run every length and kind of text a few times, so that no first call pays for planning or for lazy tables."""
        for length in range(1, MAX_WORDS + 1):
            for _ in range(_WARM_UP_ROUNDS):
                self._judge_afresh([" ".join(["warm"] * length)], self.mode, None)
        self._judge_afresh(["SQ *Кафе №7 été ۳ LONDON GB", "x.com 0123456789 *&;'"], self.mode, None)

    def _after_fork(self) -> None:
        """Make a forked child independent of threads that stayed in the parent."""
        self._encoder.renew_lock()
        self._network.renew_after_fork()
        if self._memo:
            self._memo.renew_lock()


def _renew_after_fork() -> None:
    for classifier in list(_LIVE):
        classifier._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)

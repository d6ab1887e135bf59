"""What a server counts and measures, for Prometheus, in a registry of its own; its names begin with `iturri_`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pipeline.build import Progress
from schemas.funnel import Funnel
from schemas.job import JobState, Kind

OUTCOMES: Final = ("accepted", "dropped", "not_needed")
_REQUEST_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LAG_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_JOB_S: Final = (1, 10, 60, 300, 900, 3_600, 4 * 3_600, 12 * 3_600, 86_400, 3 * 86_400, 7 * 86_400)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand when they are asked for. None is what nobody can tell now, and is left out."""

    ready: bool
    backbones: Mapping[str, bool]
    jobs: Mapping[tuple[str, str], int] | None = None
    queue_age_seconds: float | None = None
    builds_free_bytes: int | None = None


class Metrics:
    """The metrics of one server. Counters are of this process; what is in the database is read at each scrape."""

    def __init__(self) -> None:
        # Prometheus finds restarts by itself, and these would double the number of series.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        for own in (ProcessCollector, PlatformCollector, GCCollector):
            own(registry=self._registry)
        self._runs: list[BuildRun] = []
        self._standing: Standing | None = None
        self._registry.register(_Now(self))
        self.drafts = self._counter("drafts", "Drafts that have ended", "job_language", "outcome")
        self.drops = self._counter("drops", "Drafts dropped, by the reason of the verdict", "reason")
        self.tokens = self._counter("generated_tokens", "Tokens that backbones have generated", "backbone")
        self.usage = self._counter("usage_tokens", "Tokens generated for the jobs of a key", "key")
        self.requests = self._counter("http_requests", "Requests answered", "method", "route", "status")
        self.request_seconds = self._histogram(
            "http_request_seconds", "From a request to the end of its answer; of a stream, to its beginning",
            _REQUEST_S, "method", "route",
        )  # fmt: skip
        self.event_streams = Gauge("iturri_event_streams", "Event streams that are open", registry=self._registry)
        self.loop_lag = self._histogram("event_loop_lag_seconds", "How late the event loop wakes a task", _LAG_S)
        self._job_seconds = self._histogram(
            "job_seconds", "From the first start of a job to its end", _JOB_S, "kind", "state"
        )
        # What begins to be told with its first event looks to Prometheus as if that had never happened.
        for kind in get_args(Kind):
            for state in filter(lambda state: state.final, JobState):
                self._job_seconds.labels(kind, state.value)

    @contextmanager
    def build_run(self, backbone: str, language: str, key: str, before: Funnel | None = None) -> Iterator[BuildRun]:
        """Counts one run of a build while it lasts. `before` is the ledger's funnel when the run begins."""
        run = BuildRun(self, backbone, language, key, before)
        self._runs.append(run)
        try:
            yield run
        finally:
            self._runs.remove(run)

    def job_ended(self, kind: Kind, state: JobState, seconds: float) -> None:
        """A job has come to a final state, so many seconds after it was first taken up."""
        self._job_seconds.labels(kind, state.value).observe(seconds)

    def text(self, standing: Standing, accept: str = "") -> tuple[bytes, str]:
        """All metrics as Prometheus reads them, and their media type, chosen by the request's Accept header."""
        encode, media_type = choose_encoder(accept)
        self._standing = standing
        return encode(self._registry), media_type

    def now(self) -> Iterable[Metric]:
        """The gauges of what is going on and of how things stand."""
        standing = self._standing
        backbones = dict.fromkeys([*(standing.backbones if standing else ()), *(run.backbone for run in self._runs)])
        speed = _gauge("tokens_per_second", "Tokens generated per second by the builds of now", "backbone")
        flight = _gauge("drafts_in_flight", "Drafts in flight in the builds of now", "backbone")
        for backbone in backbones:
            runs = [run for run in self._runs if run.backbone == backbone]
            speed.add_metric([backbone], sum(run.tokens_per_second for run in runs))
            flight.add_metric([backbone], sum(run.in_flight for run in runs))
        yield from (speed, flight)
        if standing is not None:
            yield from _told(standing)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"iturri_{name}", text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"iturri_{name}", text, labels, buckets=buckets, registry=self._registry)


class BuildRun:
    """One run of a build: its drafts and tokens are counted as they come."""

    def __init__(self, metrics: Metrics, backbone: str, language: str, key: str, before: Funnel | None) -> None:
        self._metrics = metrics
        self.backbone = backbone
        self._language = language
        self._key = key
        self._counted = _Counts.of(before)
        self.in_flight = 0
        self.tokens_per_second = 0.0
        self._add(self._counted)  # nothing, under every name that is known

    def progress(self, now: Progress) -> None:
        """Count what is new, and remember what is going on."""
        self.count(now.funnel)
        self.in_flight, self.tokens_per_second = now.in_flight, now.tokens_per_second

    def count(self, funnel: Funnel) -> None:
        """Count what has come since the last call."""
        counts = _Counts.of(funnel)
        self._add(counts)
        self._counted = counts

    def _add(self, counts: _Counts) -> None:
        metrics, before = self._metrics, self._counted
        for outcome in OUTCOMES:
            _add(metrics.drafts.labels(self._language, outcome), counts.drafts[outcome] - before.drafts[outcome])
        for reason, drafts in counts.reasons.items():
            _add(metrics.drops.labels(reason), drafts - before.reasons.get(reason, 0))
        _add(metrics.tokens.labels(self.backbone), counts.tokens - before.tokens)
        _add(metrics.usage.labels(self._key), counts.tokens - before.tokens)


@dataclass(frozen=True, slots=True)
class _Counts:
    """What is counted of a funnel."""

    drafts: Mapping[str, int]
    reasons: Mapping[str, int]
    tokens: int

    @classmethod
    def of(cls, funnel: Funnel | None) -> _Counts:
        if funnel is None:
            return cls(dict.fromkeys(OUTCOMES, 0), {}, 0)
        drafts = {outcome: int(getattr(funnel, outcome)) for outcome in OUTCOMES}
        return cls(drafts, funnel.reasons(), funnel.completion_tokens)


class _Now(Collector):
    """Asks at each scrape; `describe` keeps it from being asked when it is registered."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics.now()

    def describe(self) -> Iterable[Metric]:
        return ()


def _told(standing: Standing) -> Iterator[Metric]:
    ready = _gauge("ready", "1 when /readyz says that this server can run jobs")
    ready.add_metric([], standing.ready)
    running = _gauge("backbone_ready", "1 when the backbone can be used", "backbone")
    for name, usable in standing.backbones.items():
        running.add_metric([name], usable)
    yield from (ready, running)
    if standing.jobs is not None:
        jobs = _gauge("jobs", "Jobs in the database, the same for all its servers", "kind", "state")
        for kind in get_args(Kind):
            for state in JobState:
                jobs.add_metric([kind, state.value], standing.jobs.get((kind, state.value), 0))
        age = _gauge("queue_age_seconds", "How long the oldest queued job has waited; 0 when none does")
        age.add_metric([], standing.queue_age_seconds or 0)
        yield from (jobs, age)
    if standing.builds_free_bytes is not None:
        free = _gauge("builds_free_bytes", "Room on the disk of the builds folder")
        free.add_metric([], standing.builds_free_bytes)
        yield free


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"iturri_{name}", text, labels=labels)


def _add(counter: Counter, more: int) -> None:
    """Counters only grow: an unfinished draft's tokens may be counted elsewhere a moment later."""
    counter.inc(max(0, more))

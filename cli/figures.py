"""Numbers as people read them."""

from __future__ import annotations

from schemas.backbones import BackboneSpec, OpenAIBackbone, VllmBackbone

_PARALLEL = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")


def percent(share: float) -> str:
    return f"{share:.1%}"


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def per_accepted(tokens: float | None) -> str:
    return "-" if tokens is None else f"{tokens:,.0f}"


def duration(seconds: float | None) -> str:
    """Such as 0:07, 12:34 or 3:05:09; `-` when it is not known."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count: int) -> str:
    """Bytes in decimal units."""
    number = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:,.0f} {unit}" if unit == "B" else f"{number:,.1f} {unit}"
        number /= 1000
    return f"{number:,.1f} TB"


def device_hours(engine_seconds: float, spec: BackboneSpec, device: str) -> str:
    """What the sampling cost: hours of GPUs, of the CPU, or of servers, times how many of them the backbone holds."""
    hours = engine_seconds / 3600
    if isinstance(spec, OpenAIBackbone):
        return f"{hours * len(spec.endpoints):.3f} server h"
    if device == "cpu":
        return f"{hours:.3f} CPU h"
    devices = 1
    if isinstance(spec, VllmBackbone):
        for name in _PARALLEL:
            devices *= int(spec.engine_args.get(name, 1))
    return f"{hours * devices:.3f} GPU h"

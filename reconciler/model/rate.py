"""How much an application lets one ask of it. Everything is for the whole application, whoever asks."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from reconciler.model.written import Written

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Quota(Written):
    """Requests that may be made; what is left out is not limited."""

    per_second: float | None = Field(default=None, gt=0)
    per_minute: int | None = Field(default=None, gt=0)
    per_day: int | None = Field(default=None, gt=0)


class Bucket(Written):
    """Of some requests, `count` in any `seconds`."""

    methods: tuple[Method, ...] = ()
    """Empty: all."""
    path: str = ""
    """What the path begins with: `/Groups`; empty: all."""
    larger_than: int = Field(default=0, ge=0)
    """Bytes of the body above which a request counts."""
    count: int = Field(gt=0)
    seconds: float = Field(gt=0, le=86_400)


class Rate(Quota):
    """Limits of all requests, of reads (GET) and of writes apart, and of some alone. All hold together."""

    concurrency: int = Field(default=16, ge=1, le=256)
    """Requests at a time, at most."""
    reads: Quota = Quota()
    writes: Quota = Quota()
    buckets: tuple[Bucket, ...] = ()

    @model_validator(mode="after")
    def _daily_at_the_top(self) -> Rate:
        if self.reads.per_day or self.writes.per_day:
            message = "a limit a day is for all requests together: rate.perDay"
            raise ValueError(message)
        return self

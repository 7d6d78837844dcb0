"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from wardgate.cli.values import duration, size

DataDir = Annotated[Path, Parameter(name="--data-dir", help="Where the database, the keys and the logs are.")]
Environment = Annotated[
    str, Parameter(name="--environment", help="The environment, such as development or production.")
]
Json = Annotated[bool, Parameter(name="--json", negative=(), help="Write JSON, for programs.")]

DATA_DIR = Path("./wardgate-data")
ENVIRONMENT = "development"

#: Converters for options that are durations in seconds and sizes in bytes.
SECONDS = Parameter(converter=duration, n_tokens=1)
BYTES = Parameter(converter=size, n_tokens=1)

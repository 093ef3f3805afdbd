"""DuckDB, locked down: it touches the folders it is given and nothing else, and cannot be opened up again."""

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import _duckdb as duckdb  # the engine alone: what the package adds in Python is not used here and takes 35 ms

from wftui.errors import StoreError
from wftui.store.sql import text

VERSION: Final = duckdb.__version__
MEMORY_MB: Final = 96
"""Bounds DuckDB's buffers; the process takes 40 to 60 MB besides."""


def connect(
    folders: Sequence[Path],
    *,
    memory_mb: int = MEMORY_MB,
    threads: int = 1,
    ordered: bool = False,
    files: Sequence[Path] = (),
    keep_footers: bool = False,
) -> duckdb.DuckDBPyConnection:
    """An in-memory database for reading and writing files in ``folders``.

    Args:
        folders: What it may read and write, subfolders with them.
        memory_mb: MB that its buffers may take; a question that needs more fails.
        threads: Of a query.
        ordered: Rows come out as they went in (writers need it, readers that sort do not).
        files: Single files that it may read and write besides.
        keep_footers: Remember what Parquet files say about themselves (a day of 24 files: 31 ms instead of 46).

    Raises:
        StoreError: DuckDB cannot start.
    """
    try:
        connection = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                "async_threads": 0,
                "memory_limit": f"{memory_mb}MB",  # at connect: set later it would not hold for the start
                "temp_directory": "",
                "preserve_insertion_order": ordered,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
                "allow_persistent_secrets": False,
                "python_enable_replacements": False,
            },
        )
        # In this order: ``allowed_directories`` cannot be set any more once access is off.
        connection.execute(f"SET allowed_directories = [{', '.join(text(str(item)) for item in folders)}]")
        if files:
            connection.execute(f"SET allowed_paths = [{', '.join(text(str(item)) for item in files)}]")
        connection.execute("SET enable_external_access = false")
        if keep_footers:
            connection.execute("SET parquet_metadata_cache = true")
        if keep_footers or ordered:
            # The kernel keeps the files already; DuckDB's own copy of them would be 30 MB.
            connection.execute("SET enable_external_file_cache = false")
        connection.execute("SET lock_configuration = true")
    except duckdb.Error as error:
        raise StoreError(f"DuckDB cannot start: {error}") from error
    return connection


_trim: Final = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; others give memory back by themselves


def give_back() -> None:
    """Return freed memory to the system: many small buffers of DuckDB leave holes, not a shorter heap."""
    if _trim is not None:
        _trim(0)

"""From a pushed line to a batch of samples."""

from typing import Final

import msgspec

from wftui.recorder.push.forms import (
    CAREFUL,
    MAX_DEPTH,
    MAX_SAMPLES,
    NO_LABELS,
    Batch,
    Line,
    Trouble,
    UnusableError,
)
from wftui.recorder.push.known import A_CORE

_decoder: Final = msgspec.json.Decoder(Line)


def parse(line: bytes) -> Batch:
    """Understand a line.

    Raises:
        UnusableError: Nothing in it can be used; the message says why.
    """
    try:
        item = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if len(line) > CAREFUL:
            raise UnusableError(_reason(error)) from error
    else:
        return _batch(item, [])
    from wftui.recorder.push import careful  # few recorders ever need it

    item, troubles, indices, token_indices = careful.parse(line)
    found = _batch(item, troubles, indices)
    found.token_indices = token_indices
    return found


def _batch(item: Line, troubles: list[Trouble], indices: list[int] | None = None) -> Batch:
    if item.samples is not None or item.tokens is not None:
        samples, tokens = item.samples or [], item.tokens
        if item.data is not None or item.fields is not None:
            raise UnusableError(
                f"expected either {'tokens' if item.samples is None else 'samples'} or data, got both"
            )
        if (count := len(samples) + len(tokens or ())) > MAX_SAMPLES:
            raise UnusableError(f"{count} samples in a line; at most {MAX_SAMPLES}")
        return Batch(item.source, item.timestamp, samples, {}, NO_LABELS, troubles, indices, tokens)
    source, time_ms, data = item.source, item.timestamp, item.data
    if data is None:
        data = item.fields
        source, time_ms = source or A_CORE, time_ms if time_ms is not None else item.ts
    if data is None:
        raise UnusableError("expected samples, tokens, data or fields")
    if item.energy_visual:
        for name, value in item.energy_visual.items():
            data.setdefault(name, value)
    if item.frame_budget_used_ms is not None:
        data.setdefault("frame_budget_used_ms", item.frame_budget_used_ms)
    if len(data) > MAX_SAMPLES:
        raise UnusableError(f"{len(data)} fields in a line; at most {MAX_SAMPLES}")
    return Batch(source, time_ms, [], data, item.tags, troubles)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"nested deeper than {MAX_DEPTH}"
    return f"not a line that can be used: {str(error)[:200]}"

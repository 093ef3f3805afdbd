"""The slots of a llama.cpp server: what each of them does, and how many tokens were made since the look before."""

from collections.abc import Sequence
from typing import Final

import msgspec

from wftui.clock import NS_PER_S
from wftui.collectors.servers.figures import RequestInfo, Whole

EXACT: Final = 1e6
"""Counters are printed with six digits: from here on they are rounded."""


class Next(msgspec.Struct):
    """Where a task is in its answer."""

    n_decoded: Whole = 0
    n_remain: Whole = -1
    """Tokens that it may still make; -1: no limit."""


class Slot(msgspec.Struct):
    """A place for one request. Prompt and answer, which some servers add, are passed over undecoded."""

    id: Whole
    n_ctx: Whole = 0
    is_processing: bool = False
    id_task: Whole = -1
    n_prompt_tokens: Whole = 0
    """Tokens that it holds: of the prompt as far as it was read, and of the answer."""
    n_prompt_tokens_processed: Whole = 0
    n_prompt_tokens_cache: Whole = 0
    next_token: list[Next] | Next = []
    """An array of one; an object before mid-2026; missing in a slot that was never used."""

    @property
    def next(self) -> Next:
        """Where its task is."""
        found = self.next_token
        if isinstance(found, Next):
            return found
        return found[0] if found else Next()


def requests(slots: Sequence[Slot], model: str) -> tuple[RequestInfo, ...]:
    """The requests under way.

    How long a prompt is nobody knows before it has been read: ``n_prompt_tokens`` grows with it.
    """
    found = []
    for slot in slots:
        if not slot.is_processing:
            continue
        at = slot.next
        done = slot.n_prompt_tokens_processed + slot.n_prompt_tokens_cache
        generating = at.n_decoded > 0
        found.append(
            RequestInfo(
                key=f"{model}#{slot.id}" if model else str(slot.id),
                model=model,
                slot=slot.id,
                id=str(slot.id_task),
                state="generating" if generating else "prefill",
                prompt=done if generating else None,
                processed=done,
                cached=slot.n_prompt_tokens_cache,
                generated=at.n_decoded,
                context=slot.n_ctx or None,
                detail=f"at most {at.n_remain} more" if generating and at.n_remain >= 0 else "",
            )
        )
    return tuple(found)


def fullest(slots: Sequence[Slot]) -> float | None:
    """Share of its context that the fullest slot holds; None: no slot says its size.

    With one slot that is the cache. With several it is not told whether they share one pool or have a part each.
    """
    shares = [min(1.0, slot.n_prompt_tokens / slot.n_ctx) for slot in slots if slot.n_ctx > 0]
    return max(shares, default=None)


class _Account:
    """What slots showed of requests that have ended, against the counter that steps when one ends."""

    def __init__(self) -> None:
        self._counter: float | None = None
        self._owed = 0.0

    def unseen(self, counter: float | None, ended: float) -> float:
        """Tokens that the counter has and no slot showed: of short requests, and of the last moments of others.

        Args:
            counter: The counter, read before the slots; None: not known, or rounded.
            ended: Tokens that the slots showed of the requests that ended since the look before.
        """
        last, self._counter = self._counter, counter
        if counter is None or last is None or counter < last:
            self._owed = 0.0
            return 0.0
        step, owed = counter - last, self._owed + ended
        # What had ended before the counter was read is in it by the next look; older debts are never paid.
        self._owed = min(max(0.0, owed - step), ended)
        return max(0.0, step - owed)


class _Seen(msgspec.Struct):
    """What a task had done when it was looked at last."""

    decoded: int
    processed: int
    prompt: int = 0
    """Tokens of its whole prompt; 0: it is not read yet."""
    on: int = 0
    """Of ``processed``: shown since the counters were known last, while there was more to read."""

    def ended(self, slot: Slot) -> "_Seen":
        """What it had done when it ended, as its idle slot shows.

        Some keep the figures of the task that ended. Others reset them all but the tokens that the slot holds:
        those of the prompt and of the answer without the last one, which is never read.
        """
        reset = self.prompt > 0 and slot.next.n_decoded == 0
        held = slot.n_prompt_tokens - self.prompt + 1 if reset else 0
        return _Seen(
            max(slot.next.n_decoded, self.decoded, held), max(slot.n_prompt_tokens_processed, self.processed)
        )


class _Shown:
    """What slots showed since the counters were known last, in tokens."""

    def __init__(self) -> None:
        self.ended = 0.0
        """Of the answers that ended, since they began."""
        self.read_on = 0.0
        """Of the prompts that are not read to their end yet."""
        self.read_ended = 0.0
        """Of the prompts that were read to their end, since they began."""


class Pace:
    """Tokens a second between two looks, by task: a slot counts from zero with each of them."""

    def __init__(self) -> None:
        self._at_ns: int | None = None
        self._whole_ns: int | None = None
        """When the counters were known, too."""
        self._seen: dict[tuple[int, int], _Seen] = {}
        self._shown = _Shown()
        self._unseen = (0.0, 0.0)
        """A second: what no slot had shown in the time before the last look, told with the glances after it."""
        self._generated = _Account()
        self._read = _Account()

    def look(
        self, slots: Sequence[Slot], at_ns: int, read: float | None = None, generated: float | None = None
    ) -> tuple[float, float] | None:
        """Take a look into account.

        Args:
            slots: All of the server's.
            at_ns: When they were told (CLOCK_BOOTTIME).
            read: Counter of prompt tokens without cached ones, asked for just before; None: not known.
            generated: Counter of generated tokens, as ``read``.

        Returns:
            Tokens of prompts and of answers, per second; None at the first look.
        """
        first = self._at_ns is None
        step = self._step(slots, at_ns)
        shown, self._shown = self._shown, _Shown()
        if first:
            shown.ended = shown.read_ended = 0.0
        made = self._generated.unseen(_exact(generated), shown.ended)
        # Newer servers count prompts while they read them: what slots show of these must not count twice.
        unseen = max(0.0, self._read.unseen(_exact(read), shown.read_ended) - shown.read_on)
        for seen in self._seen.values():
            seen.on = 0
        whole, self._whole_ns = (at_ns - (self._whole_ns or at_ns)) / NS_PER_S, at_ns
        # With glances in between a look has a tenth of the second: what none of them saw is of the whole of it.
        self._unseen = (unseen / whole, made / whole) if whole > 0 else (0.0, 0.0)
        return self._rates(*step)

    def glance(self, slots: Sequence[Slot], at_ns: int) -> tuple[float, float] | None:
        """Take a look into account at which the counters were not asked for; arguments and result as ``look``."""
        return self._rates(*self._step(slots, at_ns))

    def _rates(self, seconds: float, read: float, made: float) -> tuple[float, float] | None:
        return (read / seconds + self._unseen[0], made / seconds + self._unseen[1]) if seconds > 0 else None

    def _step(self, slots: Sequence[Slot], at_ns: int) -> tuple[float, float, float]:
        """Seconds since the last look or glance; tokens of prompts read meanwhile, and tokens made."""
        seconds = (at_ns - (self._at_ns or at_ns)) / NS_PER_S
        seen, self._seen = self._seen, {}
        shown, made, read = self._shown, 0.0, 0.0
        for slot in slots:
            if slot.id_task < 0:
                continue
            last = seen.pop((slot.id, slot.id_task), None)
            decoded, processed = slot.next.n_decoded, slot.n_prompt_tokens_processed
            now = _Seen(decoded, processed, processed + slot.n_prompt_tokens_cache if decoded else 0)
            if not slot.is_processing:
                if last is None:
                    continue  # it ended before we came, or began and ended since: only the counter knows
                now = last.ended(slot)
                shown.ended += now.decoded
            elif last is not None and (now.decoded < last.decoded or now.processed < last.processed):
                last = None  # another task in its name
            was = last or _Seen(0, 0)
            made += now.decoded - was.decoded
            read += now.processed - was.processed
            if now.decoded == 0 and slot.is_processing:
                now.on = was.on + now.processed - was.processed
                shown.read_on += now.processed - was.processed
            elif was.decoded == 0:
                shown.read_on -= was.on
                shown.read_ended += now.processed
            if slot.is_processing:
                self._seen[slot.id, slot.id_task] = now
        for gone in seen.values():
            shown.ended += gone.decoded
            shown.read_on -= gone.on
            shown.read_ended += gone.processed if gone.decoded == 0 else 0
        self._at_ns = at_ns
        return seconds, read, made


def _exact(counter: float | None) -> float | None:
    return counter if counter is not None and counter < EXACT else None

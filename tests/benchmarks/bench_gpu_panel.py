"""What the view's GPU panel costs: ms of CPU per second of data, when all numbers changed and when none did.

Each second a tick comes in (all GPUs with other numbers), the model of the GPUs is made, the panel drawn, then the
rest of the overview. Medians of 60 seconds.
"""

import statistics
import time
from collections.abc import Callable

from tests.tui.fake import Fed, scene
from tests.tui.fake_gpus import GpuFed, box
from wftui.tui.compose import picture
from wftui.tui.gpus import boxes
from wftui.tui.overview import overview
from wftui.tui.panels import gpus
from wftui.tui.ui import Ui

SECONDS = range(601, 661)


def spent(call: Callable[[], object]) -> float:
    """CPU (ms) of a call."""
    start = time.thread_time_ns()
    call()
    return (time.thread_time_ns() - start) / 1e6


def main() -> None:
    titles = ("tick", "model", "panel", "rest", "all same")
    print(f"{'GPUs':>5} {'size':>8} " + " ".join(f"{title:>9}" for title in titles) + "   ms")
    for count in (0, 1, 4, 8, 16, 64):
        for width, height in ((80, 24), (120, 40), (200, 50)):
            fed = GpuFed(box(count)).run(301, 600).furnish() if count else Fed().run(301, 600).furnish()
            place = overview(fed.state, width, height).place("gpus")
            inside = (place.width - 4, place.height - 2) if place else (40, 2)
            ui = Ui()
            found: list[tuple[float, ...]] = []
            for second in SECONDS:
                tick = fed.tick(second)
                now = scene(fed.state, age_s=float(second - 600))
                found.append(
                    (
                        spent(lambda tick=tick, fed=fed: fed.state.on(tick)),  # type: ignore[misc]  # mypy cannot infer a lambda's default
                        spent(lambda fed=fed: boxes(fed.state)),  # type: ignore[misc]  # as above
                        spent(lambda now=now, inside=inside: gpus.draw(now, *inside)),  # type: ignore[misc]  # as above
                        spent(lambda now=now, ui=ui, size=(width, height): picture(now, ui, *size)),  # type: ignore[misc]  # as above
                        spent(lambda now=now, inside=inside: gpus.draw(now, *inside)),  # type: ignore[misc]  # as above
                    )
                )
            medians = [statistics.median(column) for column in zip(*found, strict=True)]
            print(f"{count:>5} {f'{width}x{height}':>8} " + " ".join(f"{value:9.3f}" for value in medians))


if __name__ == "__main__":
    main()

"""What the view's models panel costs: ms of CPU per second of data, when all numbers changed and when none did.

Each second a tick comes in (all servers with other numbers), the model of the servers is made, the panel drawn,
then the rest of the overview; the GPU panel of the same second beside it. Medians of 60 seconds.
"""

import statistics
import time
from collections.abc import Callable

from tests.tui.fake import scene
from tests.tui.servers_seen import COMFY, LLAMA, VLLM, ServersFed
from wftui.tui.compose import picture
from wftui.tui.gpus import boxes
from wftui.tui.models_screen.seen import servers
from wftui.tui.overview import overview
from wftui.tui.panels import gpus, models
from wftui.tui.ui import Ui

SECONDS = range(601, 661)


def spent(call: Callable[[], object]) -> float:
    """CPU (ms) of a call."""
    start = time.thread_time_ns()
    call()
    return (time.thread_time_ns() - start) / 1e6


def second_of(fed: ServersFed, second: int, width: int, height: int) -> tuple[float, ...]:
    """ms of each step of one second."""
    tick, state = fed.tick(second), fed.state
    places = overview(state, width, height)
    now = scene(state, age_s=float(second - 600))
    inside = {}
    for name in ("models", "gpus"):
        place = places.place(name)
        inside[name] = (place.width - 4, place.height - 2) if place else (40, 2)
    arrived = spent(lambda: state.on(tick))
    digest = spent(lambda: servers(state))
    panel = spent(lambda: models.draw(now, *inside["models"]))
    cards = spent(lambda: boxes(state)) + spent(lambda: gpus.draw(now, *inside["gpus"]))
    rest = spent(lambda: picture(now, Ui(), width, height))
    return arrived, digest, panel, cards, rest, spent(lambda: models.draw(now, *inside["models"]))


def main() -> None:
    titles = ("tick", "model", "panel", "gpu panel", "rest", "all same")
    print(f"{'servers':>8} {'size':>8} " + " ".join(f"{title:>9}" for title in titles) + "   ms")
    for alone in ((VLLM,), (VLLM, LLAMA, COMFY), ()):
        for width, height in ((80, 24), (120, 40), (200, 50)):
            fed = ServersFed(alone).run(301, 600).furnish()
            found = [second_of(fed, second, width, height) for second in SECONDS]
            medians = [statistics.median(column) for column in zip(*found, strict=True)]
            count = len(servers(fed.state))
            print(f"{count:>8} {f'{width}x{height}':>8} " + " ".join(f"{value:9.3f}" for value in medians))


if __name__ == "__main__":
    main()

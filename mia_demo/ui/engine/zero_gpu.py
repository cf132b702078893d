"""Work on the device, which may be Hugging Face's ZeroGPU: a GPU lent for seconds.

There the server's process has no GPU. The package ``spaces`` emulates one in its main thread, so
that networks can be placed at the start, and runs what it decorates in a forked process, with
those networks on a real GPU. So work and its frames are pickled, and whatever the work changes in
memory is lost to the server: see ``networks.Work``. Everywhere else, work is simply run.
"""

import math
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import gradio as gr

from mia_demo.errors import DemoError
from mia_demo.system.space import is_zero_gpu
from mia_demo.ui.engine.jobs import Frame
from mia_demo.ui.engine.networks import GrownPool, Networks, Work
from mia_demo.zoo.layers import LayeredZoo

IS_ZERO_GPU = is_zero_gpu()
if IS_ZERO_GPU:
    import spaces  # before anything asks for CUDA

# GPU seconds to request. Shorter requests are served sooner and must fit the visitor's quota.
STARTING = 10  # a new process, its networks moved to the GPU, a pool computed
MARGIN = 2  # the GPU is taken away from work that overruns
UNMEASURED = 60  # for work of unknown speed
TURN = 60  # of work that another turn can resume; after half of it nothing new is started

REMEDY = (
    "Sign in to Hugging Face for more of its free GPU time, or duplicate this Space, or run the "
    "demo on your own machine."
)
TAKEN_AWAY = (
    "Hugging Face took its GPU back before the work was done; try again with less of it, such as "
    "fewer steps or lanes."
)


class ZeroGpuError(DemoError):
    """Hugging Face lends no GPU, or took it back."""


@dataclass(frozen=True)
class _Call:
    zoo: LayeredZoo  # as the server has it now
    work: Work[Any]
    seconds: float | None
    is_saved: Callable[[Any], bool] | None


class _Paused:
    """The turn is over, but not the work."""


_placed: Networks | None = None


def place(networks: Networks) -> None:
    """Loads what came with the demo onto the emulated GPU: in the main thread, before launch."""
    global _placed
    networks.load()
    _placed = networks


def run(
    networks: Networks,
    work: Work[Frame],
    *,
    seconds: float | None = None,
    is_saved: Callable[[Frame], bool] | None = None,
) -> Generator[Frame, None, None]:
    """The frames of work on the device. Closing the generator ends the work after its step.

    Args:
        seconds: an estimate, or None.
        is_saved: whether the work, called again after this frame, resumes there; such work is
            done in short turns.

    Raises:
        DemoError: what the work raises, or there is no GPU to be had.
    """
    if not IS_ZERO_GPU:
        yield from work(networks)
        return
    is_over = False
    while not is_over:
        is_over = True
        with closing(_lent(_Call(networks.zoo, work, seconds, is_saved))) as news:
            for new in news:
                if isinstance(new, DemoError):
                    raise new
                if isinstance(new, GrownPool):
                    networks.learn(new)
                elif isinstance(new, _Paused):
                    is_over = False
                else:
                    yield new


def _lent(call: _Call) -> Generator[Any, None, None]:
    try:
        yield from _in_worker(call)
    except gr.Error as error:
        if error.title != "ZeroGPU worker error":
            said = str(error.message)  # an HTML message has its text as str
            raise ZeroGpuError(f"{error.title}: {said} {REMEDY}") from error
        if "aborted" in error.message:
            raise ZeroGpuError(TAKEN_AWAY) from error
        raise  # the work failed unexpectedly


def _duration(call: _Call) -> int:
    if call.is_saved is not None:
        return TURN
    if call.seconds is None:
        return UNMEASURED
    return math.ceil(STARTING + MARGIN * call.seconds)


def _work(call: _Call) -> Generator[Any, None, None]:
    """Runs in the worker."""
    networks = _placed
    assert networks is not None
    networks.update(call.zoo)
    pools = networks.pools()
    started = time.monotonic()
    try:
        with closing(call.work(networks)) as frames:
            for frame in frames:
                yield frame
                is_late = time.monotonic() - started > TURN / 2
                if is_late and call.is_saved is not None and call.is_saved(frame):
                    yield _Paused()
                    break
    except DemoError as error:
        yield error  # of a raised one only the name of its class would arrive
    yield from networks.grown(pools)


_in_worker = spaces.GPU(_work, duration=_duration) if IS_ZERO_GPU else _work

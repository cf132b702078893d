"""The life of a page's job: start, stream, stopped or failed, released; also toasts and buttons.

A page describes what it shows in a ``JobView`` and passes it to ``stream``::

    def start(self, request, *form):
        with toasts():  # a wrong form is one toast; the page stays as it is
            plan = parse(form)
        view = PlanView(plan)
        yield from stream(self.jobs, request, lambda: self.engine.shared(...), view)

What happens when Stop is pressed: ``wire_stop`` asks the job to end after its running step; where a
step takes long, "Stopping …" is shown first. ``stream``, which still runs for Start, sees the
frames end and yields ``JobView.over``. A stopped attack that has taken a step is kept like a
finished one (``runs.saver.AttackSaver``). A closed tab closes the generator, which releases the job
as well.

Four races decide how pages are updated:

- Every frame repeats the state of the buttons. Gradio's client applies the changes of each frame to
  one and the same object. When several frames arrive before it looks, as when they overtake the
  answer to the click, it sees the last one several times. A Stop button that only the first frame
  enables would then stay disabled.
- "Stopping …" is shown before the job is asked to end. Otherwise a quick job's last frame can
  reach the browser first, and "Stopping …" stays.
- When an event is over, Gradio sends its last frame once more, maybe after what the page shows by
  then. So the last frame of a job that gave way changes nothing.
- The last frame enables the start button a moment before that. Gradio would lose a click in between
  (trigger mode "once"), so every click is sent, and ``stream`` decides.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from html import escape
from typing import Any, Generic

import gradio as gr
from gradio.components import Component

from mia_demo.errors import DemoError
from mia_demo.ui.engine.device_queue import Waiting
from mia_demo.ui.engine.jobs import Frame, Job
from mia_demo.ui.engine.sessions import SessionJobs

PAUSING = "Pausing …"
STOPPING = "Stopping …"

# Wiring of events that are not part of the API:
QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    "show_progress_on": [],  # otherwise all outputs are told of a progress that none of them shows
    "api_visibility": "private",
}
# for jobs, whose order the device queue decides;
JOB_EVENT: dict[str, Any] = {**QUIET, "concurrency_limit": None}
# for buttons that start them with ``stream``, which ignores the second half of a double click;
START_EVENT: dict[str, Any] = {**JOB_EVENT, "trigger_mode": "multiple"}
# for buttons that must not wait behind jobs.
AT_ONCE: dict[str, Any] = {**QUIET, "queue": False}

Values = Any  # of an event's outputs, in their order

log = logging.getLogger(__name__)


class JobView(ABC, Generic[Frame]):
    """What a page shows of one job. Each method returns values for all outputs of the event."""

    unexpected: str  # what the visitor reads after an unexpected error

    @abstractmethod
    def first(self, job: Job[Frame]) -> Values:
        """Before the job has yielded anything."""

    @abstractmethod
    def show(self, update: Frame | Waiting, job: Job[Frame]) -> Values:
        """While the job waits or computes."""

    def beat(self, update: Frame | Waiting, job: Job[Frame]) -> Values:
        """While it goes on waiting, once a second; override it where ``show`` is much to send."""
        return self.show(update, job)

    @abstractmethod
    def over(self, job: Job[Frame]) -> Values:
        """When the job is done, or was stopped (``job.stopped``)."""

    @abstractmethod
    def failed(self, message: str) -> Values:
        """After an error."""


def stream(
    jobs: SessionJobs[Frame],
    request: gr.Request,
    start: Callable[[], Job[Frame]],
    view: JobView[Frame],
    *,
    interval: float = 0.0,
) -> Iterator[Values]:
    """Runs a job and yields what the page shows, for the event of a start button.

    A click while the visitor's earlier job of this kind computes, the second half of a double
    click, changes nothing.

    Args:
        jobs: the running ones of this kind.
        interval: minimum seconds between two frames.

    Raises:
        gr.Error: the job could not be started, or it failed.
    """
    session = str(request.session_hash)
    earlier = jobs.job_of(session)
    if earlier is not None and not earlier.wait(0):
        yield _unchanged(view.first(earlier))  # for an event without any frame Gradio sends nulls
        return
    with toasts():
        job = jobs.start(session, start)
    frames = follow(jobs, session, job, view, interval=interval)
    yield from with_errors_told(frames, view.failed, view.unexpected)


def follow(
    jobs: SessionJobs[Frame],
    session: str,
    job: Job[Frame],
    view: JobView[Frame],
    *,
    interval: float = 0.0,
) -> Iterator[Values]:
    """What ``stream`` yields of a started job; the caller handles errors."""
    try:
        first = view.first(job)
        yield first
        before: Frame | Waiting | None = None
        for update in job.updates(interval):
            is_beat = isinstance(update, Waiting) and update == before
            yield view.beat(update, job) if is_beat else view.show(update, job)
            before = update
        if jobs.job_of(session) is job:
            yield view.over(job)
        else:  # the page shows something else by now
            yield _unchanged(first)
    finally:
        jobs.release(session, job)


def _unchanged(values: Values) -> Values:
    """As many values that leave the page as it is."""
    return tuple(gr.skip() for _ in values) if isinstance(values, tuple) else gr.skip()


def with_errors_told(
    frames: Iterator[Values], failed: Callable[[str], Values], unexpected: str
) -> Iterator[Values]:
    """The frames; after an error, a last one that reports it as a ``JobView`` does, and a toast.

    Raises:
        gr.Error: the toast.
    """
    cause: Exception
    try:
        yield from frames
        return
    except DemoError as error:
        cause, message = error, str(error)
    except Exception as error:
        log.exception("%s", unexpected)
        cause, message = error, unexpected
    yield failed(message)
    raise toast(message) from cause


@contextmanager
def toasts() -> Iterator[None]:
    """Turns an expected error into a toast."""
    try:
        yield
    except DemoError as error:
        raise toast(str(error)) from error


def last_counts(handler: Callable[..., Values]) -> Callable[..., Values]:
    """A non-streaming handler of an event with trigger mode "always_last".

    What goes wrong is a toast, and the outputs stay: where such a handler raises, Gradio's page
    forgets the event that waits behind it.
    """

    @wraps(handler)
    def answer(*values: Any) -> Values:
        try:
            return handler(*values)
        except gr.Error as error:
            gr.Warning(str(error.message))
            return gr.skip()

    return answer


def toast(message: str) -> gr.Error:
    """One sentence for the visitor; a visitor's mistake leaves no traceback in the log.

    Toasts render HTML, and the sentence may quote a stranger: it is escaped.
    """
    return gr.Error(escape(message, quote=False), print_exception=False)


# -- buttons ----------------------------------------------------------------------------------


def start_and_stop(*, running: bool) -> tuple[Any, Any]:
    """A start button and its stop button."""
    return gr.update(interactive=not running), gr.update(interactive=running)


def while_running(at_rest: str, ending: str, job: Job[Any]) -> Any:
    """The state of a button wired by ``wire_stop``, whose ``ending`` this is, for each frame."""
    is_pressed = ending in job.endings
    return gr.update(interactive=not is_pressed, value=ending if is_pressed else at_rest)


def stop_job(jobs: SessionJobs[Any], request: gr.Request) -> bool:
    """Ends the visitor's job after its running step; False if there is none."""
    job = jobs.job_of(str(request.session_hash))
    if job is not None:
        job.stop()
    return job is not None


def wire_stop(
    button: gr.Button,
    jobs: SessionJobs[Any],
    *,
    ending: str = "",
    handler: Callable[[gr.Request], Any] | None = None,
    outputs: Sequence[Component] = (),
) -> None:
    """Wires a button that ends the visitor's job after its running step.

    Args:
        ending: the button's text until the job's last frame resets it; empty for short steps.
        handler: after ``ending`` is shown, ends the job and returns ``outputs``; by default the job
            is only ended.
    """
    at_rest = button.value

    def stop(request: gr.Request) -> None:
        stop_job(jobs, request)

    def show(request: gr.Request) -> Any:
        job = jobs.job_of(str(request.session_hash))
        if job is None:
            return gr.skip()
        job.endings.add(ending)
        return gr.update(interactive=False, value=ending)

    def end(request: gr.Request) -> Any:
        if stop_job(jobs, request):
            return gr.skip()
        return gr.update(interactive=False, value=at_rest)

    if not ending:
        button.click(stop, **AT_ONCE)
        return
    shown = button.click(show, None, button, **AT_ONCE)
    if handler is None:
        shown.then(end, None, button, **AT_ONCE)
    else:
        shown.then(handler, None, list(outputs), **AT_ONCE)

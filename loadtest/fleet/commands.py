"""Carries out `run`, `web` and `worker`."""

import argparse
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Locust comes before what it patches.
from loadtest.fleet.session import Session, make_environment

# isort: split
import gevent
from locust.exception import RPCError

from loadtest.conduct.outcome import announce, exit_code, write_outcome
from loadtest.conduct.plan import Plan
from loadtest.exits import Exit, LoadTestError
from loadtest.fleet.locust_user import listen_to_master
from loadtest.fleet.page import add_pages
from loadtest.options import make_folder
from loadtest.results import Run


def run(options: argparse.Namespace, plan: Plan, folder: Path) -> int:
    """Runs a scenario and writes what was found."""
    session = Session(plan, lambda found: _finish(found, folder))
    with _opened(session, options):
        for number in (signal.SIGINT, signal.SIGTERM):
            gevent.signal_handler(number, session.interrupt)
        return int(exit_code(session.conduct()))


def serve_page(options: argparse.Namespace, plan: Plan, folder: Path) -> int:
    """Serves Locust's page until interrupted; its Start runs the scenario."""

    def fail(error: LoadTestError) -> None:
        print(f"loadtest: {error}", file=sys.stderr, flush=True)

    folders = [folder]  # a run a folder, or the next Start would write over what the last one found

    def finish(found: Run) -> None:
        if session.runs > 1:
            folders.append(make_folder(folder / f"run-{session.runs}"))
        _finish(found, folders[-1])

    session = Session(plan, finish, fail)
    with _opened(session, options):
        del sys.argv[1:]  # the page would read them as Locust's own
        try:
            page = session.environment.create_web_ui(options.web_host, options.web_port)
        except OSError as error:
            raise LoadTestError(Exit.USAGE, f"--web-port {options.web_port}: {error}") from None
        add_pages(page.app, plan, session.status, lambda: folders[-1])
        host = "localhost" if options.web_host in ("127.0.0.1", "", "0.0.0.0") else options.web_host  # noqa: S104
        print(f"Locust's page: http://{host}:{options.web_port} (report: /report)", flush=True)
        over = gevent.event.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            gevent.signal_handler(number, over.set)
        over.wait()
        session.interrupt()
        session.wait()
        page.stop()
    return int(Exit.PASSED)


def work(options: argparse.Namespace) -> int:
    """Makes load for a master until it leaves."""
    host, _, port = options.master.rpartition(":")
    if not host or not port.isdigit():
        raise LoadTestError(Exit.USAGE, f"--master {options.master}: not of the form HOST:PORT")
    environment = make_environment()
    runner = environment.create_worker_runner(host, int(port))
    listen_to_master(environment)
    gevent.signal_handler(signal.SIGTERM, runner.quit)
    runner.greenlet.join()
    return int(Exit.PASSED)


@contextmanager
def _opened(session: Session, options: argparse.Namespace) -> Iterator[None]:
    """Readies a session's runner with its workers, and ends them all."""
    children: list[subprocess.Popen[bytes]] = []
    try:
        if options.processes == 1 and options.workers is None:
            session.open()
        else:
            host, port = ("*", options.workers_port) if options.workers else _free_place()
            try:
                session.open((host, port))
            except RPCError as error:
                raise LoadTestError(Exit.USAGE, f"--workers-port {port}: {error}") from None
            if options.workers is None:
                children += [_start_worker(port) for _ in range(options.processes)]
            session.await_workers(options.workers or options.processes)
        yield
    finally:
        _quit(session)
        for child in children:
            child.terminate()
            child.wait()


def _quit(session: Session) -> None:
    logging.getLogger("locust").setLevel(logging.ERROR)  # its warnings about workers that leave
    if session.environment.runner is not None:
        session.environment.runner.quit()


def _start_worker(port: int) -> "subprocess.Popen[bytes]":
    arguments = [sys.executable, "-m", "loadtest", "worker", "--master", f"127.0.0.1:{port}"]
    return subprocess.Popen(arguments, start_new_session=True)  # noqa: S603  # our own words


def _free_place() -> tuple[str, int]:
    """Finds a port, of this machine only: workers of others are told our metadata."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
    return host, port


def _finish(found: Run, folder: Path) -> None:
    try:
        paths = write_outcome(found, folder)
    except OSError as error:
        raise LoadTestError(Exit.BROKEN, f"the results cannot be written: {error}") from None
    announce(found, paths)

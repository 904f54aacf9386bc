#!/usr/bin/env python3
"""A Tasklane worker in Python's standard library: docs/worker-protocol.md, call by call.

    python3 worker.py --url http://127.0.0.1:8000 --worker-id py1

It serves two types: `word_count` ({"text": ...}) and `fail` ({"retryable": true|false}).
Python 3.8 or later; nothing to install.
"""

import argparse
import json
import os
import platform
import random
import signal
import threading
import time
import traceback
import urllib.error
import urllib.request
import uuid


class Refused(Exception):
    """The scheduler answered with a problem document."""

    def __init__(self, status, problem):
        super().__init__(problem.get("detail", "HTTP %d" % status))
        self.status = status
        self.code = problem.get("code")


class PermanentError(Exception):
    """Raise this from a handler: trying again would not help."""


def word_count(payload, task):
    words = payload["text"].split()
    return {"words": len(words), "longest": max(words, key=len, default="")}


def fail(payload, task):
    if payload.get("retryable", True):
        raise ValueError("attempt %d failed on purpose" % task["attempt"])
    raise PermanentError("failed on purpose, for good")


# Shown with the worker: which of your releases it runs, and what that is built on.
VERSION = "1.0"
BUILT_ON = "python-worker/%s python/%s" % (VERSION, platform.python_version())

HANDLERS = {"word_count": word_count, "fail": fail}


class Worker:
    def __init__(self, url, worker_id, slots):
        self.url = url.rstrip("/")
        self.worker_id = worker_id
        self.slots = slots
        # Names this process: registering the same id from a new process gives back what the old one held.
        self.instance = str(uuid.uuid4())
        self.stopping = threading.Event()
        self.heartbeat_seconds = 5.0
        self.held = {}  # task_id -> epoch
        self.lock = threading.Lock()

    # ── Calls ────────────────────────────────────────────────────────────────────────────────────────────────────

    def call(self, method, path, body=None, timeout=40):
        """One call. Raises Refused for a problem, OSError while the scheduler is away."""
        headers = {"Content-Type": "application/json"}
        if os.environ.get("TASKLANE_TOKEN"):
            headers["Authorization"] = "Bearer " + os.environ["TASKLANE_TOKEN"]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                text = reply.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            try:
                problem = json.loads(error.read())
            except ValueError:
                problem = {}
            if error.code == 503:
                raise OSError(problem.get("detail", "the scheduler is not ready"))
            raise Refused(error.code, problem)

    def until_answered(self, method, path, body=None):
        """Repeats a call that is safe to repeat until the scheduler answers, with jitter, 2 s apart at most."""
        pause = 0.1
        while True:
            try:
                return self.call(method, path, body)
            except OSError:
                time.sleep(pause * random.uniform(0.5, 1.0))
                pause = min(2.0, pause * 2)

    # ── Life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def register(self):
        reply = self.until_answered(
            "POST",
            "/api/workers/register",
            {
                "worker_id": self.worker_id,
                "capabilities": sorted(HANDLERS),
                "max_concurrent_tasks": self.slots,
                "instance": self.instance,
                "labels": {"version": VERSION},
            },
        )
        self.heartbeat_seconds = reply["heartbeat_interval"]
        print("registered as %s" % self.worker_id, flush=True)

    def run(self):
        self.register()
        threading.Thread(target=self.beat, daemon=True).start()
        threads = []
        while not self.stopping.is_set():
            free = self.slots - len(self.held)
            if free == 0:
                time.sleep(0.05)
                continue
            for task in self.claim(free):
                with self.lock:
                    self.held[task["task_id"]] = task["epoch"]
                thread = threading.Thread(target=self.execute, args=(task,))
                thread.start()
                threads.append(thread)
            threads = [thread for thread in threads if thread.is_alive()]
        for thread in threads:
            thread.join()
        # Deregistering hands back whatever is still held, uncharged.
        self.until_answered("DELETE", "/api/workers/%s" % self.worker_id)
        print("stopped", flush=True)

    def claim(self, limit):
        """Waits for work. The request id makes a repeat after a lost reply return the same tasks."""
        body = {"limit": limit, "wait": 5, "request_id": str(uuid.uuid4())}
        try:
            return self.until_answered("POST", "/api/workers/%s/claim" % self.worker_id, body)["tasks"]
        except Refused as refused:
            if refused.code == "worker_draining":
                self.stopping.set()
            elif refused.code == "worker_unknown":
                self.register()
            else:
                raise
            return []

    def beat(self):
        """Extends the leases of what runs here. Without it they run out and others take the tasks."""
        while True:
            time.sleep(self.heartbeat_seconds)
            with self.lock:
                current = [{"task_id": task_id, "epoch": epoch} for task_id, epoch in self.held.items()]
            try:
                reply = self.call(
                    "POST",
                    "/api/workers/%s/heartbeat" % self.worker_id,
                    {"current_tasks": current, "system_info": {"sdk": BUILT_ON}},
                )
            except Refused as refused:
                if refused.code == "worker_unknown":
                    self.register()
                continue
            except OSError:
                continue
            if reply["drain"]:
                self.stopping.set()
            # A thread cannot be stopped from outside; a handler that takes long should look at `held` now and then.
            for task_id in reply["cancel"]:
                print("asked to cancel %s" % task_id, flush=True)
            for task_id in reply["lost"]:
                with self.lock:
                    self.held.pop(task_id, None)

    def execute(self, task):
        outcome = {"task_id": task["task_id"], "epoch": task["epoch"]}
        try:
            outcome["result"] = HANDLERS[task["task_type"]](task["payload"], task)
            outcome["outcome"] = "completed"
        except Exception as error:  # A handler may raise anything; all of it is this attempt's failure.
            outcome["outcome"] = "failed"
            outcome["retryable"] = not isinstance(error, PermanentError)
            outcome["error"] = {
                "code": type(error).__name__,
                "message": str(error),
                "stack": traceback.format_exc(),
            }
        try:
            # Safe to repeat: the same epoch and outcome is `applied` again.
            reply = self.until_answered(
                "POST", "/api/workers/%s/settle" % self.worker_id, {"results": [outcome]}
            )
            verdict = reply["results"][0]["verdict"]
            print("%s %s %s" % (task["task_type"], outcome["outcome"], verdict), flush=True)
        finally:
            with self.lock:
                self.held.pop(task["task_id"], None)


def main():
    parser = argparse.ArgumentParser(description="A Tasklane worker in Python")
    parser.add_argument("--url", default=os.environ.get("TASKLANE_URL", "http://127.0.0.1:8000"))
    parser.add_argument("--worker-id", default=os.environ.get("WORKER_ID", "python-%d" % os.getpid()))
    parser.add_argument("--slots", type=int, default=4)
    options = parser.parse_args()
    worker = Worker(options.url, options.worker_id, options.slots)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: worker.stopping.set())
    worker.run()


if __name__ == "__main__":
    main()

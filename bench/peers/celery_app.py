"""Celery's side: the application that the worker loads, and the producer, which takes one JSON command a line.

The producer has no result backend: with one, every submit would first subscribe to its result in Redis. Workers store
results all the same.
"""

import json
import os
import sys
import threading
import time

from celery import Celery
from kombu import Queue

BROKER = os.environ["BENCH_BROKER"]
RESULTS = os.environ.get("BENCH_RESULTS")
QUEUE = "bench"


def make_app(confirms=False):
    app = Celery("bench", broker=BROKER, backend=RESULTS)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        result_serializer="json",
        task_acks_late=False,
        task_default_queue=QUEUE,
        task_queues=[Queue(QUEUE, durable=True)],
        worker_prefetch_multiplier=64,
        worker_disable_rate_limits=True,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        task_send_sent_event=False,
        broker_heartbeat=0,
        broker_pool_limit=64,
        broker_transport_options={"confirm_publish": confirms},
    )
    app.task(name="noop")(noop)
    app.task(name="probe")(probe)
    return app


def noop(n):
    return None


def probe(n):
    # One clock for all processes of the machine.
    return time.clock_gettime(time.CLOCK_MONOTONIC)


app = make_app()


def declare():
    with app.connection_for_write() as connection:
        Queue(QUEUE, durable=True).bind(connection.default_channel).declare()


def submit_bulk(tasks):
    """One publisher without confirms; the count ends when the broker answers behind the last message."""
    task = app.tasks["noop"]
    with app.producer_pool.acquire(block=True) as producer:
        for n in range(tasks):
            task.apply_async((n,), producer=producer)
        producer.channel.queue_declare(QUEUE, passive=True)


def submit_single(tasks, in_flight):
    """Every submit waits for the broker's confirm; each lane is a thread with a connection of its own."""
    confirming = make_app(confirms=True)
    task = confirming.tasks["noop"]
    numbers = iter(range(tasks))
    faults = []

    def lane():
        try:
            with confirming.producer_pool.acquire(block=True) as producer:
                for n in numbers:
                    task.apply_async((n,), producer=producer)
        except Exception as error:  # the thread's end must be seen by the producer
            faults.append(error)

    lanes = [threading.Thread(target=lane) for _ in range(in_flight)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    if faults:
        raise faults[0]


def submit_probe(n):
    began = time.clock_gettime(time.CLOCK_MONOTONIC)
    return {"began": began, "id": app.tasks["probe"].apply_async((n,)).id}


def depth():
    with app.connection_for_read() as connection:
        return connection.default_channel.queue_declare(QUEUE, passive=True).message_count


COMMANDS = {
    "declare": declare,
    "ping": lambda: len(app.control.ping(timeout=0.5)),
    "consume": lambda: app.control.add_consumer(QUEUE, reply=True),
    "depth": depth,
    "submit_bulk": submit_bulk,
    "submit_single": submit_single,
    "submit_probe": submit_probe,
}

if __name__ == "__main__":
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps({"answer": COMMANDS[name](*arguments)}), flush=True)

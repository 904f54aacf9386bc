"""A worker of the pull scheduler, as its users have them: it polls, runs one task at a time, and beats every 5 s.

    python3 pull_worker.py URL WORKER_ID [DIARY] [register]

It knows nothing of epochs or leases, and registers only where it is told to. Every run is written into the diary.
"""

import sys
import threading
import time
from datetime import datetime

import requests_like as requests

SCHEDULER_URL = sys.argv[1]
WORKER_ID = sys.argv[2]
DIARY = sys.argv[3] if len(sys.argv) > 3 else None


def add(a, b=0):
    return a + b


def hang(name):
    """Returns in every worker but `victim`."""
    if WORKER_ID == "victim":
        time.sleep(3600)
    return name


def slow(seconds):
    time.sleep(seconds)
    return WORKER_ID


def broken():
    raise ValueError("it is broken")


def not_a_number():
    return float("nan")


FUNCTIONS = {"add": add, "hang": hang, "slow": slow, "broken": broken, "not_a_number": not_a_number}


def heartbeat_loop():
    while True:
        try:
            requests.put(f"{SCHEDULER_URL}/heartbeat/{WORKER_ID}")
        except requests.ConnectionError:
            pass
        time.sleep(5)


def write_diary(task):
    if DIARY is None:
        return
    with open(DIARY, "a") as diary:
        diary.write(f"{WORKER_ID} {task['task_id']}\n")


def run(task):
    write_diary(task)
    report = {"task_id": task["task_id"], "worker_id": WORKER_ID, "result": None, "error_message": None}
    try:
        # Times must be readable to Python before 3.11, too.
        assert not task["created_at"].endswith("Z")
        assert datetime.fromisoformat(task["started_at"]) >= datetime.fromisoformat(task["created_at"])
        report["result"] = FUNCTIONS[task["func"]](*task["args"], **task["kwargs"])
        report["status"] = "COMPLETED"
    except Exception as error:
        report["status"] = "FAILED"
        report["error_message"] = repr(error)
    while True:
        try:
            reply = requests.post(f"{SCHEDULER_URL}/task_status", json=report)
            if reply.status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.2)


def main():
    if "register" in sys.argv:
        requests.post(f"{SCHEDULER_URL}/register_worker/{WORKER_ID}").raise_for_status()
    threading.Thread(target=heartbeat_loop, daemon=True).start()
    print("ready", flush=True)
    while True:
        try:
            reply = requests.get(f"{SCHEDULER_URL}/get_task/{WORKER_ID}")
        except requests.ConnectionError:
            time.sleep(0.2)
            continue
        if reply.status_code != 200:
            time.sleep(0.1)
            continue
        run(reply.json())


main()

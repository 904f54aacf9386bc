"""A client of the pull scheduler: submits a diamond of dependencies, waits until all of it has ended, prints the status.

    python3 pull_submit.py URL
"""

import json
import sys
import time

import requests_like as requests

SCHEDULER_URL = sys.argv[1]


def add_task(func_name, *args, priority=0, dependencies=None, timeout=None, **kwargs):
    payload = {
        "func_name": func_name,
        "args": list(args),
        "kwargs": kwargs,
        "priority": priority,
        "dependencies": dependencies or [],
        "timeout": timeout,
    }
    response = requests.post(f"{SCHEDULER_URL}/add_task", json=payload)
    assert response.status_code == 201, response.text
    return response.json()["task_id"]


def wait_for_all():
    while True:
        status = requests.get(f"{SCHEDULER_URL}/status").json()
        counts = status["tasks_by_status"]
        if counts["PENDING"] + counts["RUNNING"] == 0:
            return status
        time.sleep(0.05)


top = add_task("add", 1, 2)
left = add_task("add", 3, b=4, priority=5, dependencies=[top])
right = add_task("add", 5, priority=20, dependencies=[top], timeout=60)
bottom = add_task("add", 7, 8, priority=10, dependencies=[left, right])
failing = add_task("broken", priority=10)
orphan = add_task("add", 1, 1, dependencies=[failing])
unkept = add_task("not_a_number")
unwanted = add_task("add", 9, 9, dependencies=[bottom])
assert requests.post(f"{SCHEDULER_URL}/cancel_task/{unwanted}").status_code == 200
status = wait_for_all()
print(json.dumps({"diamond": [top, left, right, bottom], "status": status}))

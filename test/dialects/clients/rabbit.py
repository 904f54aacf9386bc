"""A client of the system on RabbitMQ and Redis (dialect B), with the trailing slashes that its README has.

    python3 rabbit.py URL
"""

import json
import sys
import time

import requests_like as requests

BASE_URL = sys.argv[1]


def submit(body):
    response = requests.post(f"{BASE_URL}/tasks/", json=body)
    assert response.status_code == 201, response.text
    return response.json()["task_id"]


def wait(task_id):
    while True:
        task = requests.get(f"{BASE_URL}/tasks/{task_id}").json()
        if task["status"] in ("completed", "failed", "cancelled"):
            return task
        time.sleep(0.05)


assert requests.get(f"{BASE_URL}/health").status_code == 200
ids = [
    submit({"task_type": "add", "payload": {"x": 1, "y": 2}}),
    submit({"type": "multiply", "data": {"x": 3, "y": 4}}),
    submit({"type": "upper_case", "params": {"text": "straße"}, "priority": 9, "not_known": "passed over"}),
]
results = [wait(task_id)["result"] for task_id in ids]
assert results == [3, 12, "STRASSE"], results
listed = [task["task_id"] for task in requests.get(f"{BASE_URL}/tasks/").json()["tasks"]]
assert sorted(listed) == sorted(ids), listed

unwanted = submit({"task_type": "nobody_runs_this", "payload": {}})
assert requests.delete(f"{BASE_URL}/tasks/{unwanted}").status_code < 300
gone = requests.get(f"{BASE_URL}/tasks/{unwanted}")
assert gone.status_code == 404 or gone.json()["status"] == "cancelled", gone.text

workers = requests.get(f"{BASE_URL}/workers/").json()["workers"]
assert len(workers) == 1, workers
worker_id = workers[0]["worker_id"]
assert requests.get(f"{BASE_URL}/workers/{worker_id}").json()["worker_id"] == worker_id
assert requests.get(f"{BASE_URL}/workers/nobody").status_code == 404
print(json.dumps({"results": results, "worker": worker_id}))

"""A client of the challenge's API (dialect C): submits, lists, and a worker that registers and beats.

    python3 challenge.py URL
"""

import json
import sys
import time

import requests_like as requests

BASE_URL = sys.argv[1]


def submit(task_type, payload, **more):
    response = requests.post(f"{BASE_URL}/api/tasks", json=dict({"task_type": task_type, "payload": payload}, **more))
    assert response.status_code == 201, response.text
    return response.json()


def wait(task_id):
    while True:
        task = requests.get(f"{BASE_URL}/api/tasks/{task_id}/").json()
        if task["status"] in ("completed", "failed", "cancelled"):
            return task
        time.sleep(0.05)


response = requests.post(
    f"{BASE_URL}/api/workers/register",
    json={"worker_id": "worker-001", "capabilities": ["image_processing"], "max_concurrent_tasks": 5},
)
assert response.status_code == 201, response.text
response = requests.post(
    f"{BASE_URL}/api/workers/worker-001/heartbeat",
    json={
        "status": "active",
        "current_tasks": [],
        "system_info": {"cpu_usage": 45.2, "memory_usage": 62.1, "disk_usage": 30.5},
    },
)
assert response.status_code == 200, response.text
workers = {worker["worker_id"]: worker for worker in requests.get(f"{BASE_URL}/api/workers").json()["workers"]}
assert workers["worker-001"]["status"] == "active"
assert workers["worker-001"]["system_info"]["cpu_usage"] == 45.2

first = submit("add", {"x": 1, "y": 2}, priority=8)
second = submit("multiply", {"x": 3, "y": 4}, dependencies=[first["task_id"]], timeout=30, max_retries=2)
assert (wait(second["task_id"])["result"], wait(first["task_id"])["result"]) == (12, 3)
waiting = submit("image_processing", {"url": "https://example.com/image.jpg"})
pending = requests.get(f"{BASE_URL}/api/tasks?status=pending&limit=10&offset=0").json()["tasks"]
assert [task["task_id"] for task in pending] == [waiting["task_id"]]
print(json.dumps({"ok": True}))

"""A client of the advanced system (dialect A): logs in as OAuth2 has it, and works with integer ids.

    python3 advanced.py URL USERNAME PASSWORD
"""

import json
import sys
import time

import requests_like as requests

BASE_URL, USERNAME, PASSWORD = sys.argv[1:4]

assert requests.post(f"{BASE_URL}/tasks", json={"name": "a", "description": "b"}).status_code == 401
wrong = requests.post(f"{BASE_URL}/token", data={"username": USERNAME, "password": "wrong"})
assert wrong.status_code == 401 and wrong.headers["www-authenticate"] == "Bearer", wrong.text
login = requests.post(f"{BASE_URL}/token", data={"username": USERNAME, "password": PASSWORD})
assert login.status_code == 200, login.text
assert login.json()["token_type"] == "bearer"
headers = {"Authorization": f"Bearer {login.json()['access_token']}"}

created = requests.post(
    f"{BASE_URL}/tasks", json={"name": "Report", "description": "Monthly figures"}, headers=headers
)
assert created.status_code == 201, created.text
task = created.json()
assert task["id"] == 1, task
assert (task["name"], task["description"], task["status"]) == ("Report", "Monthly figures", "pending")
assert isinstance(task["priority"], (int, float)) and task["user_id"] == 1 and task["completed_at"] is None
second = requests.post(f"{BASE_URL}/tasks", json={"name": "B", "description": ""}, headers=headers).json()
assert second["id"] == 2, second

assert requests.get(f"{BASE_URL}/tasks/1").status_code == 401
read = requests.get(f"{BASE_URL}/tasks/1", headers=headers)
assert read.status_code == 200 and read.json()["name"] == "Report", read.text
completed = requests.put(f"{BASE_URL}/tasks/1/complete", headers=headers)
assert completed.status_code == 200, completed.text
assert completed.json()["status"] == "completed" and completed.json()["completed_at"] is not None
assert requests.get(f"{BASE_URL}/tasks/99", headers=headers).status_code == 404
print(json.dumps({"task_id": task["task_id"], "second": second["task_id"]}))

"""A producer of the arithmetic system (dialect D, Celery's words): 150 mixed tasks, polled until all are SUCCESS.

    python3 arithmetic_producer.py URL
"""

import json
import random
import sys
import time

import requests_like as requests

BASE_URL = sys.argv[1]
chance = random.Random(7)


def produce():
    """Posts a task of any of the three kinds. Returns its id and what it must result in."""
    kind = chance.choice(["add", "multiply", "upper_case"])
    if kind == "upper_case":
        text = chance.choice(["hello", "straße", "été", "日本", "ﬁn"]) + str(chance.randint(0, 99))
        body, expected = {"text": text}, text.upper()
    else:
        x, y = chance.randint(-94_906_265, 94_906_265), chance.randint(-94_906_265, 94_906_265)
        body, expected = {"x": x, "y": y}, (x + y if kind == "add" else x * y)
    response = requests.post(f"{BASE_URL}/{kind}", json=body)
    assert response.status_code == 200, response.text
    return response.json()["task_id"], expected


def poll(task_id):
    words = []
    while True:
        status = requests.get(f"{BASE_URL}/status/{task_id}").json()
        assert status["task_id"] == task_id
        words.append(status["status"])
        if status["status"] == "SUCCESS":
            return status["result"], words
        assert status["status"] in ("PENDING", "STARTED", "RETRY"), status
        time.sleep(0.02)


tasks = [produce() for _ in range(150)]
assert len({task_id for task_id, _ in tasks}) == 150
right = 0
for task_id, expected in tasks:
    result, _ = poll(task_id)
    assert result == expected, (result, expected)
    right += 1

for path, body in [
    ("add", {"x": 2**53, "y": 1}),
    ("add", {"x": 2**53 - 1, "y": 1}),
    ("multiply", {"x": 2**30, "y": 2**30}),
    ("add", {"x": 1}),
    ("upper_case", {"text": 5}),
]:
    response = requests.post(f"{BASE_URL}/{path}", json=body)
    assert response.status_code == 422, (path, body, response.status_code, response.text)
assert requests.get(f"{BASE_URL}/status/never-submitted").json()["status"] == "PENDING"
print(json.dumps({"right": right}))

"""As much of `requests` as the clients beside this file use, over the standard library's http.client."""

import http.client
import json as jsonlib
import urllib.parse


class ConnectionError(Exception):
    pass


class HTTPError(Exception):
    pass


class Response:
    def __init__(self, status_code, headers, content):
        self.status_code = status_code
        self.headers = headers
        self.content = content

    @property
    def text(self):
        return self.content.decode("utf-8")

    def json(self):
        return jsonlib.loads(self.content)

    def raise_for_status(self):
        if self.status_code >= 400:
            raise HTTPError("%d: %s" % (self.status_code, self.text))


def request(method, url, params=None, data=None, json=None, headers=None, timeout=30):
    parts = urllib.parse.urlsplit(url)
    path = parts.path or "/"
    query = "&".join(text for text in (parts.query, urllib.parse.urlencode(params or {})) if text)
    headers = dict(headers or {}, Accept="*/*")
    headers["User-Agent"] = "python-requests/2.31.0"
    body = None
    if json is not None:
        body = jsonlib.dumps(json)
        headers["Content-Type"] = "application/json"
    elif data is not None:
        body = urllib.parse.urlencode(data)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request(method, path + ("?" + query if query else ""), body=body, headers=headers)
        reply = connection.getresponse()
        return Response(reply.status, dict(reply.getheaders()), reply.read())
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionError(str(error))
    finally:
        connection.close()


def get(url, **kwargs):
    return request("GET", url, **kwargs)


def post(url, **kwargs):
    return request("POST", url, **kwargs)


def put(url, **kwargs):
    return request("PUT", url, **kwargs)


def delete(url, **kwargs):
    return request("DELETE", url, **kwargs)

"""Requests and responses of scripts that want more than a document in and a document out."""

import json as _json
import urllib.parse


class Headers(dict):
    """Header fields by name, whatever its case."""

    def __init__(self, pairs=()):
        super().__init__()
        for name, value in pairs:
            key = name.title()
            if key in self:
                value = dict.__getitem__(self, key) + ", " + value
            dict.__setitem__(self, key, value)

    def __getitem__(self, name):
        return super().__getitem__(name.title())

    def __contains__(self, name):
        return isinstance(name, str) and super().__contains__(name.title())

    def get(self, name, default=None):
        return super().get(name.title(), default)


class Request:
    """A request as it came over HTTP: what `run()` is given under `@rawhttp`."""

    def __init__(self, body, method="POST", full_path="/score", headers=(), media_type=""):
        self.data = body
        self.method = method or "POST"
        self.full_path = full_path or "/score"
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.content_type = media_type or self.headers.get("content-type", "")
        self.mimetype = self.content_type.partition(";")[0].strip().lower()
        self.path, _, query = self.full_path.partition("?")
        self.query_string = query.encode()
        self._arguments = urllib.parse.parse_qs(query, keep_blank_values=True)

    @property
    def url(self):
        return self.full_path

    @property
    def content_length(self):
        return len(self.data)

    @property
    def args(self):
        """The query's parameters; the first value of each. `arguments()` has them all."""
        return {name: values[0] for name, values in self._arguments.items()}

    def arguments(self):
        return self._arguments

    def get_data(self, cache=True, as_text=False, parse_form_data=False):
        return self.data.decode("utf-8") if as_text else self.data

    def get_json(self, force=False, silent=False, cache=True):
        try:
            return _json.loads(self.data)
        except ValueError:
            if silent:
                return None
            raise

    @property
    def json(self):
        return self.get_json()


class Response:
    """An answer with its own status and header fields."""

    def __init__(self, message=None, status_code=200, response_headers=None, json_str=False,
                 run_function_failed=False):
        self.message = {} if message is None else message
        self.json_str = json_str or message is None
        self.status_code = int(status_code)
        self.headers = Headers()
        for name, value in dict(response_headers or {}).items():
            self.headers[name.title()] = str(value)
        if self.json_str and "content-type" not in self.headers:
            self.headers["Content-Type"] = "application/json"
        if run_function_failed:
            self.headers["X-Ms-Run-Function-Failed"] = "True"

    @property
    def status(self):
        return self.status_code


# The names that Azure's scripts know them by.
AMLRequest = Request
AMLResponse = Response


def rawhttp(function):
    """Marks `run()` as one that takes a Request instead of a document."""
    function.__slipway_rawhttp__ = True
    return function

# SPDX-License-Identifier: Apache-2.0
"""A scripted Varlink service, for tests of clients: it answers as it is told, also wrongly.

Each method has a handler: called with a Call, it returns a reply, or yields several. A reply is
a dictionary of parameters, an Error, a Raw piece of bytes, FD (a reply with descriptors), or
CLOSE to hang up.
"""

import array
import json
import os
import re
import socket
import threading

CLOSE = object()


class Error:
    def __init__(self, name, **parameters):
        self.name = name if name.startswith("org.") else "io.microshift.Support." + name
        self.parameters = parameters


class Raw:
    def __init__(self, data):
        self.data = data


class FD:
    def __init__(self, fds, **parameters):
        self.fds = fds
        self.parameters = parameters


class Call:
    def __init__(self, message, connection):
        self.name = message["method"].rsplit(".", 1)[1]
        self.method = message["method"]
        self.parameters = message.get("parameters", {})
        self.more = message.get("more", False)
        self.oneway = message.get("oneway", False)
        self.connection = connection


def parameter_names(description):
    """Names of the parameters of each method, from the text of the interface."""
    text = re.sub(r"#.*", "", description)
    names = {}
    for method, parameters in re.findall(r"method (\w+)\s*\(([^)]*)\)\s*->", text):
        names[method] = set(re.findall(r"(\w+)\s*:", parameters))
    return names


class FakeDaemon:
    def __init__(self, path, description):
        self.path = path
        self.known = parameter_names(description)
        self.handlers = {}
        self.calls = []
        self.mistakes = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def on(self, **handlers):
        """Answers the named methods, and no others, from now on."""
        self.handlers = handlers
        self.calls = []

    def close(self):
        # close() alone would not end an accept() that waits in another thread.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        buffer = b""
        with connection:
            while True:
                try:
                    data = connection.recv(65536)
                except OSError:
                    return
                if not data:
                    return
                buffer += data
                while b"\0" in buffer:
                    text, buffer = buffer.split(b"\0", 1)
                    try:
                        if not self._answer(Call(json.loads(text), connection)):
                            return
                    except (BrokenPipeError, ConnectionResetError):
                        return

    def _check(self, call):
        unknown = set(call.parameters) - self.known.get(call.name, set())
        if call.name not in self.known:
            self.mistakes.append(f"no method {call.method}")
        if unknown:
            self.mistakes.append(f"{call.name} has no parameters {sorted(unknown)}")

    def _answer(self, call):
        self._check(call)
        self.calls.append(call)
        handler = self.handlers.get(call.name)
        if handler is None:
            return self._send(call, Error("org.varlink.service.MethodNotFound"), False)
        replies = handler(call) if callable(handler) else handler
        if isinstance(replies, (dict, Error, Raw, FD)) or replies is CLOSE:
            return self._send(call, replies, False)
        replies = list(replies) if isinstance(replies, (list, tuple)) else replies
        previous = None
        for reply in replies:
            if previous is not None and not self._send(call, previous, call.more):
                return False
            previous = reply
        return previous is None or self._send(call, previous, False)

    def _send(self, call, reply, continues):
        fds = []
        if reply is CLOSE:
            return False
        if isinstance(reply, Raw):
            call.connection.sendall(reply.data)
            return True
        if isinstance(reply, Error):
            message = {"error": reply.name, "parameters": reply.parameters}
        elif isinstance(reply, FD):
            message = {"parameters": reply.parameters}
            fds = reply.fds
        else:
            message = {"parameters": reply}
        if continues:
            message["continues"] = True
        data = json.dumps(message).encode() + b"\0"
        if fds:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            sent = call.connection.sendmsg([data], ancillary)
            data = data[sent:]
        call.connection.sendall(data)
        return True

#!/usr/bin/env python3
"""A till for Yima in one file: Python's standard library and nothing else. See till.openapi.yaml.

    till-example.py --at unix:/run/yima/till.sock pair ABCD-2345     the code of: yima till pair NAME
    till-example.py --at 127.0.0.1:8590 sale order-17 12.34
    till-example.py --at 127.0.0.1:8590 refund order-17-back order-17
    till-example.py --at 127.0.0.1:8590 void order-18-void order-18
    till-example.py --at 127.0.0.1:8590 cancel order-19
    till-example.py --at 127.0.0.1:8590 events

The first word after sale, refund and void is the key: the till's own name for this payment. Run a command again after a broken line or
a power cut and it tells what became of the payment; it never charges twice. Keep the key with the order, before you ask.

Gives 0 when it is approved, 1 when it is certainly not, 2 when nobody knows or something failed.
"""

import argparse
import http.client
import json
import os
import socket
import sys
import time
from decimal import Decimal, InvalidOperation

APPROVED, NOT_DONE, NOT_KNOWN = 0, 1, 2


class SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Till:
    """The terminal, as a till sees it."""

    def __init__(self, at, key):
        self.at = at
        self.key = key

    def connection(self, timeout=30):
        if self.at.startswith("unix:"):
            return SocketConnection(self.at[len("unix:"):], timeout)
        return http.client.HTTPConnection(self.at, timeout=timeout)

    def ask(self, method, path, body=None, headers=None):
        """One request: status and what was answered."""
        headers = dict(headers or {})
        if self.key:
            headers["Authorization"] = "Bearer " + self.key
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection = self.connection()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def begin(self, key, request, patience_s=120):
        """Begins a payment, or finds out what became of it. Every try has the same key."""
        until = time.monotonic() + patience_s
        while True:
            try:
                status, answer = self.ask("POST", "/v1/payments", request, {"Idempotency-Key": key})
            except (OSError, http.client.HTTPException, ValueError) as error:
                # Nobody knows whether it arrived: the same key tells.
                status, answer = None, {"detail": str(error), "repeatable": True}
            if status in (200, 201):
                return answer
            if not answer.get("repeatable") or time.monotonic() > until:
                raise Refused(status, answer)
            time.sleep(1)

    def wait(self, key, patience_s=300):
        """Waits for the end of a payment: until nothing about it changes any more."""
        until = time.monotonic() + patience_s
        shown = None
        while True:
            payment = self.ask("GET", "/v1/payments/" + key)[1]
            if payment.get("progress") not in (None, shown):
                shown = payment["progress"]
                print(shown, file=sys.stderr)
            if payment.get("final") or time.monotonic() > until:
                return payment
            time.sleep(0.3)

    def events(self, last=None):
        """What becomes of this till's payments. Comes back after a broken line for what it missed."""
        while True:
            headers = {"Authorization": "Bearer " + self.key}
            if last is not None:
                headers["Last-Event-ID"] = str(last)
            connection = self.connection(timeout=60)
            try:
                connection.request("GET", "/v1/events", headers=headers)
                answer = connection.getresponse()
                if answer.status != 200:
                    raise Refused(answer.status, json.loads(answer.read()))
                event = {}
                for line in answer:
                    line = line.decode("utf-8").rstrip("\n")
                    if not line:
                        if "data" in event:
                            last = event.get("id", last)
                            yield event.get("event"), json.loads(event["data"])
                        event = {}
                    elif not line.startswith(":"):
                        name, _, value = line.partition(": ")
                        event[name] = value
            except (OSError, http.client.HTTPException):
                time.sleep(1)
            finally:
                connection.close()


class Refused(Exception):
    """The terminal does not do it, and says why."""

    def __init__(self, status, problem):
        self.status = status
        self.problem = problem
        why = problem.get("reason") or problem
        said = why.get("what", {}).get("en", "The terminal was not reached.")
        todo = why.get("do", {}).get("en", "")
        super().__init__(" ".join(part for part in (said, todo, problem.get("detail", "")) if part))


def minor_units(text):
    """Money is counted, never measured: no floats."""
    try:
        minor = Decimal(text) * 100
    except InvalidOperation:
        raise SystemExit(f"{text} is no amount")
    if minor != minor.to_integral_value() or minor <= 0:
        raise SystemExit(f"{text} is no amount")
    return int(minor)


def write_secret(path, text):
    """Only its owner may read a key."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")


def read_secret(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except FileNotFoundError:
        raise SystemExit(f"{path} is not there: pair this till first")


def tell(payment):
    """Says how a payment stands; gives what the program gives back."""
    amount = payment["amount"]
    what = f"{payment['kind']} {payment['key']}: {payment['state']}"
    if amount:
        what += f", {Decimal(amount['minor']) / 100:.2f} {amount['currency']}"
    if payment["stan"]:
        what += f", STAN {payment['stan']}"
    if payment["card"]:
        what += f", {payment['card']['pan']}"
    print(what)
    if payment["reason"]:
        print(" ", payment["reason"]["what"]["en"], payment["reason"]["do"]["en"])
    if payment["state"] == "approved":
        return APPROVED
    return NOT_DONE if payment["money"] == "not_moved" else NOT_KNOWN


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at", required=True, help="till.listen of the terminal: unix:/PATH or 127.0.0.1:PORT")
    parser.add_argument("--key-file", default="yima-till.key", help="where this till's key is kept")
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("pair").add_argument("code")
    sale = acts.add_parser("sale")
    sale.add_argument("key")
    sale.add_argument("amount")
    sale.add_argument("--currency", default="CNY", help="one with two decimals")
    sale.add_argument("--offline", action="store_true", help="the card approves alone; the host is told later")
    sale.add_argument("--instalments", type=int, metavar="PERIODS", help="its holder pays in so many periods")
    refund = acts.add_parser("refund")
    refund.add_argument("key")
    refund.add_argument("original", help="the key of the payment")
    refund.add_argument("amount", nargs="?")
    refund.add_argument("--currency", default="CNY", help="one with two decimals")
    void = acts.add_parser("void")
    void.add_argument("key")
    void.add_argument("original", help="the key of the payment")
    void.add_argument("--no-card", action="store_true")
    for act in ("cancel", "ask"):
        acts.add_parser(act).add_argument("key")
    acts.add_parser("status")
    acts.add_parser("events")
    wanted = parser.parse_args()

    if wanted.act == "pair":
        status, answer = Till(wanted.at, None).ask("POST", "/v1/pairings", {"code": wanted.code})
        if status != 201:
            raise Refused(status, answer)
        write_secret(wanted.key_file, answer["key"])
        print(f"paired as {answer['till']}; the key is in {wanted.key_file}")
        return APPROVED

    till = Till(wanted.at, read_secret(wanted.key_file))
    if wanted.act == "status":
        status, answer = till.ask("GET", "/v1/status")
        if status != 200:
            raise Refused(status, answer)
        test = " TEST" if answer["test"] else ""
        print(f"{answer['merchant_name']}{test}: {answer['state']}, line {answer['link']}")
        return APPROVED
    if wanted.act == "events":
        for name, payment in till.events():
            print(name, json.dumps(payment, ensure_ascii=False), flush=True)
    if wanted.act in ("cancel", "ask"):
        method, path = ("POST", "/cancel") if wanted.act == "cancel" else ("GET", "")
        status, answer = till.ask(method, f"/v1/payments/{wanted.key}{path}")
        if status != 200:
            raise Refused(status, answer)
        return tell(answer)
    request = {"kind": wanted.act}
    if getattr(wanted, "amount", None):
        request["amount"] = {"minor": minor_units(wanted.amount), "currency": wanted.currency}
    if wanted.act != "sale":
        request["original"] = {"key": wanted.original}
    if getattr(wanted, "no_card", False):
        request["card_present"] = False
    if getattr(wanted, "offline", False):
        request["offline"] = True
    if getattr(wanted, "instalments", None):
        request["instalments"] = wanted.instalments
    till.begin(wanted.key, request)
    return tell(till.wait(wanted.key))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refused as refused:
        print(refused, file=sys.stderr)
        sys.exit(NOT_KNOWN)

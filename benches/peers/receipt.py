"""The receipt of benches/receipt.rs through python-escpos, for its measurement alone.

Reads one JSON document: {"rows": [...], "feed": n, "cut": bool}, where a row is a line of text that is laid out already
({"text", "align", "double" or "tall", "bold"}), a code ({"qr", "module"}) or empty lines ({"feed"}). After it, a line each:

    bytes WAY            the job, hexadecimal
    time WAY COUNT       nanoseconds for one receipt, the mean of COUNT

WAY is `best`, which tells the printer only what changes and hands it bytes of GB18030 itself, or `usual`, as its documentation
does it: set() and textln() for every line.
"""

import json
import sys
import time

from escpos.printer import Dummy

CHINESE_ON, CHINESE_OFF = b"\x1c&", b"\x1c."


def code(printer, row):
    printer.qr(row["qr"], native=True, size=row["module"], ec=1, model=2)
    printer._raw(b"\n")


def end(printer, receipt):
    if receipt["feed"]:
        printer._raw(b"\n" * receipt["feed"] if receipt["feed"] < 3 else bytes([0x1B, 0x64, receipt["feed"]]))
    if receipt["cut"]:
        printer._raw(b"\x1dVB\x00")  # its own cut() feeds six lines more, or cuts at the head


def best(printer, receipt):
    align, size, bold = "left", (1, 1), False
    printer._raw(CHINESE_ON)
    for row in receipt["rows"]:
        if "text" in row:
            wanted = {}
            if row["align"] != align:
                wanted["align"] = align = row["align"]
            if row["size"] != size:
                size = row["size"]
                wanted.update(custom_size=True, width=size[0], height=size[1])
            if row["bold"] != bold:
                wanted["bold"] = bold = row["bold"]
            if wanted:
                printer.set(**wanted)
            printer._raw(row["text"].encode("gb18030") + b"\n")
        elif "qr" in row:
            if align != "center":
                printer.set(align="center")
                align = "center"
            code(printer, row)
        else:
            printer._raw(b"\n" * row["feed"])
    wanted = {}
    if align != "left":
        wanted["align"] = "left"
    if size != (1, 1):
        wanted.update(custom_size=True, width=1, height=1)
    if bold:
        wanted["bold"] = False
    if wanted:
        printer.set(**wanted)
    printer._raw(CHINESE_OFF)
    end(printer, receipt)


def usual(printer, receipt):
    printer._raw(CHINESE_ON)
    for row in receipt["rows"]:
        if "text" in row:
            width, height = row["size"]
            printer.set(align=row["align"], custom_size=True, width=width, height=height, bold=row["bold"])
            printer.textln(row["text"])
        elif "qr" in row:
            printer.set(align="center")
            code(printer, row)
        else:
            printer.ln(row["feed"])
    printer.set_with_default()
    printer._raw(CHINESE_OFF)
    end(printer, receipt)


def job(printer, way, receipt):
    way(printer, receipt)
    written = printer.output
    printer.clear()
    return written


def main():
    receipt = json.loads(sys.stdin.readline())
    for row in receipt["rows"]:
        if "text" in row:
            row["size"] = tuple(row["size"])
    printer = Dummy()
    for line in sys.stdin:
        what, way, *count = line.split()
        way = {"best": best, "usual": usual}[way]
        if what == "bytes":
            print(job(printer, way, receipt).hex(), flush=True)
        else:
            times = int(count[0])
            begun = time.perf_counter_ns()
            for _ in range(times):
                job(printer, way, receipt)
            print((time.perf_counter_ns() - begun) // times, flush=True)


main()

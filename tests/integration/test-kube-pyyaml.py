#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is written as YAML is read back by PyYAML, which omg uses, as the same value: texts of every
kind that once was trouble for some reader, and random mixtures of them."""

import json
import os
import random
import subprocess
import sys

try:
    import yaml
except ImportError:
    print("1..0 # SKIP PyYAML is not installed (python3-yaml)")
    sys.exit(0)

BUILD = os.path.abspath(os.environ.get("top_builddir", "."))
N_RANDOM = 400

PIECES = [
    "a", "b c", " ", "  ", "\n", "\n\n", "\t", "-", "- ", "---", "...", ":", " :", ": ", "#", " #", "'", '"', "\\",
    "?", "? ", "!", "&", "*", "|", ">", "%", "@", "`", "[", "]", "{", "}", ",", "=", "<<", "~", "null", "true", "yes",
    "y", "N", "off", "0", "1", "9", "08", "0x1F", "0x_", "0b1", "0o7", "1_000", "1e3", "1.5", "1.2e+999", ".", "._",
    ".5", ".inf", "+1", "-1", "12:30:45", "2024-01-01", "2024-02-31", "T00:00:00Z", " 10:00:00", "\u00e9", "\u0085",
    "\u2028", "\u2029", "\ufeff", "\u007f", "\u0007", "\u001b", "\u0000", "\U0001f600", "\r", "\r\n", "x" * 30,
    "word " * 5, "long " * 20, "k" * 200,
]
NUMBERS = [None, True, False, 0, 1, -1, 2**63 - 1, -(2**63), 2**64 - 1, 9007199254740993, 0.1, 1.5, 1e21, 1.5e-7, 1e300]


def text(rng):
    if rng.random() < 0.25:
        return rng.choice(PIECES)
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(1, rng.choice([2, 4, 12]))))


def value(rng, depth=0):
    kind = rng.random()
    if depth < 4 and kind < 0.15:
        return {text(rng): value(rng, depth + 1) for _ in range(rng.randint(0, 4))}
    if depth < 4 and kind < 0.3:
        return [value(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return rng.choice(NUMBERS) if kind < 0.4 else text(rng)


def nested(depth):
    inner = "bottom"
    for i in range(depth):
        inner = {"k": inner} if i % 2 else [inner]
    return {"deep": inner}


def main():
    rng = random.Random(20261122)
    documents = [{p: p, "list": [p, [p]], "map": {"k": {p: p}}} for p in PIECES]
    documents += [{"n": n} for n in NUMBERS]
    documents.append(nested(150))
    documents += [{text(rng): value(rng) for _ in range(rng.randint(0, 4))} for _ in range(N_RANDOM)]
    lines = "".join(json.dumps(d) + "\n" for d in documents)
    run = subprocess.run(
        [os.path.join(BUILD, "tests/integration/kube-to-yaml")], input=lines.encode(), stdout=subprocess.PIPE, check=True
    )
    written = run.stdout.split(b"\0")[:-1]
    failed = int(len(written) != len(documents))
    print(f"{'not ' if failed else ''}ok 1 - all {len(documents)} documents were written")

    loaders = [yaml.SafeLoader] + ([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])
    for n, loader in enumerate(loaders):
        bad = 0
        for document, out in zip(documents, written):
            try:
                same = yaml.load(out.decode(), Loader=loader) == document
            except (yaml.YAMLError, ValueError, RecursionError) as e:
                same = False
                print("#", str(e).replace("\n", " "))
            if not same:
                bad += 1
                print(f"# {json.dumps(document)} -> {out!r}")
        print(f"{'not ' if bad else ''}ok {n + 2} - {loader.__name__} reads them back as they were")
        failed += bad
    print(f"1..{len(loaders) + 1}")
    return 1 if failed else 0


sys.exit(main())

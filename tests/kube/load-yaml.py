#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads each file that is named on standard input with both loaders of PyYAML, as omg does, and prints what is in
it as a line of JSON. What JSON does not have, a date for example, is an error."""

import json
import sys

import yaml

for path in sys.stdin.read().splitlines():
    with open(path, encoding="utf-8") as file:
        text = file.read()
    document = yaml.load(text, Loader=yaml.SafeLoader)
    if hasattr(yaml, "CSafeLoader") and yaml.load(text, Loader=yaml.CSafeLoader) != document:
        sys.exit(f"{path}: the loaders of PyYAML do not agree")
    print(json.dumps(document, allow_nan=False))

"""COVERAGE.md: which case shows which point of the language."""

import re

POINTS = [f"A{n}" for n in [*range(1, 19), *range(20, 37), *range(40, 57), *range(60, 71)]]
# What a file can't show, or shows only in part, and what it takes.
NEEDS = {
    "A25": "the refusal of two endless sides needs Kafka",
    "A30": "that old rows leave the state needs stateful streams",
    "A31": "as a stream: needs stateful streams",
    "A33": "that `state.ttl` ends the wait needs stateful streams",
    "A34": "when an unmatched row comes out needs stateful streams",
    "A35": "consumer groups need Kafka",
    "A50": "as a stream: needs stateful streams",
    "A56": "as a stream: needs stateful streams",
    "A24": "the warning about an endless stream needs Kafka",
}


def titles(case):
    """(points, title) of a case."""
    first = (case / "query.sql").read_text(encoding="utf-8").split("\n", 1)[0]
    match = re.match(r"^-- ((?:A\d+ )*A\d+): (.+)$", first)
    if not match:
        raise ValueError(f"{case.name}: the first line is not `-- A1 A2: title`")
    unknown = set(match[1].split()) - set(POINTS)
    if unknown:
        raise ValueError(f"{case.name}: no such point: {', '.join(sorted(unknown))}")
    return match[1].split(), match[2]


def page(cases):
    """The text of COVERAGE.md, and the points that nothing covers."""
    of_point = {point: [] for point in POINTS}
    for case in cases:
        for point in titles(case)[0]:
            of_point[point].append(case.name)
    lines = ["# Points of the language and the cases that show them", "", "Written by regenerate.py.", "", "| point | cases | beyond files |", "|---|---|---|"]
    for point in POINTS:
        lines.append(f"| {point} | {', '.join(of_point[point])} | {NEEDS.get(point, '')} |")
    return "\n".join(lines) + "\n", [point for point in POINTS if not of_point[point] and point not in NEEDS]

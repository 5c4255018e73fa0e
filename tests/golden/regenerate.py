#!/usr/bin/env python3
"""Makes the expected rows of the golden cases with DuckDB, an engine that shares no code with this one.

    tests/golden/regenerate.py                 all cases
    tests/golden/regenerate.py CASE…           these cases
    tests/golden/regenerate.py --check         writes nothing; exit status 1 if a file would change
    tests/golden/regenerate.py --inputs        also writes the generated inputs again (they are seeded: the same each time)

A virtual environment with DuckDB is made in ~/.cache/velostream/venv when it is missing.
"""

import os
import subprocess
import sys
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent
VENV = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "velostream" / "venv"
PACKAGES = ["duckdb==2.0.0", "pytz"]


def enter_venv():
    """Starts this script again with the Python of the virtual environment."""
    python = VENV / "bin" / "python"
    if Path(sys.prefix) == VENV:
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    if subprocess.run([str(python), "-c", "import duckdb, pytz"], stderr=subprocess.DEVNULL).returncode:
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    os.execv(str(python), [str(python), __file__, *sys.argv[1:]])


def sources(statement):
    """The sources that a statement configures: every owner of a path that is no sink."""
    owners = [key.removesuffix(".path").removesuffix(".source") for key in statement.settings if key.endswith(".path")]
    return [owner for owner in owners if owner not in statement.sinks]


def expected(case):
    """{file name: lines} of a case."""
    from oracle import dialect, engine

    script = (case / "query.sql").read_text(encoding="utf-8")
    parts = dialect.statements(script)
    own = case / "oracle.sql"
    queries = dialect.statements(own.read_text(encoding="utf-8")) if own.exists() else parts
    if len(queries) != len(parts):
        raise ValueError(f"oracle.sql has {len(queries)} statements, query.sql {len(parts)}")
    if not own.exists() and any(part.within for part in parts):
        raise ValueError("WITHIN needs an oracle.sql")
    connection = engine.connect()
    results, streams = {}, set()
    for part, query in zip(parts, queries):
        for source in sources(part):
            # A configured source wins over a stream of its name; what reads that stream has been run.
            connection.execute(f'DROP {"VIEW" if source in streams else "TABLE"} IF EXISTS "{source}"')
            streams.discard(source)
            engine.make_table(connection, source, case, dialect.owner_settings(part, source))
        if part.name:
            connection.execute(f'CREATE VIEW "{part.name}" AS {query.query}')
            streams.add(part.name)
        found = engine.rows(connection, query.query)
        for sink in part.sinks or [None]:
            results.setdefault(f"expected.{sink}.jsonl" if sink else "expected.jsonl", []).extend(found)
    return results


def put(path, text, check):
    """Writes a file if it changes; with `check` only tells, and returns 1."""
    from oracle import example

    if path.exists() and example.read(path) == text:
        return 0
    print(f"{path.relative_to(GOLDEN)} {'differs' if check else 'written'}, {text.count(chr(10))} lines")
    if not check:
        example.write(path, text)
    return int(check)


def main():
    """Exit status 1 if a case fails or, with --check, differs."""
    from oracle import coverage, datasets, example

    flags = {argument for argument in sys.argv[1:] if argument.startswith("--")}
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    cases = sorted(path.parent for path in GOLDEN.glob("*/query.sql") if not names or path.parent.name in names)
    faults = 0
    for case in cases:
        try:
            datasets.write_inputs(case, again="--inputs" in flags)
            if (case / "expected_error.txt").exists():
                continue
            for name, lines in expected(case).items():
                faults += put(case / name, "".join(line + "\n" for line in lines), "--check" in flags)
        except Exception as error:  # the other cases go on
            print(f"{case.name}: {type(error).__name__}: {error}")
            faults += 1
    if not names or names == ["ecommerce"]:
        script = (GOLDEN.parents[1] / "configs/examples/ecommerce.sql").read_text(encoding="utf-8")
        for name, text in example.texts(script).items():
            faults += put(GOLDEN / "ecommerce" / name, text, "--check" in flags)
    if not names:
        text, bare = coverage.page(cases)
        faults += put(GOLDEN / "COVERAGE.md", text, "--check" in flags) + len(bare)
        if bare:
            print(f"no case for {', '.join(bare)}")
    print(f"{len(cases)} cases, {faults} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    enter_venv()
    sys.path.insert(0, str(GOLDEN))
    main()

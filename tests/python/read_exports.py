"""Reads an export in each of its formats with DuckDB and prints what it finds, a line of JSON a message.

Usage: read_exports.py FOLDER, which holds messages.ndjson, messages.csv and a folder `parquet`. Exits with 1 if they differ.
"""

import json
import pathlib
import sys

import duckdb

COLUMNS = "partition, offset, id, from, to, not_delivered, time, time_ms, key, body, custom, origin, flags".split(", ")


def plain(row: dict) -> dict:
    """The same for every format: lists and JSON columns decoded, no custom data as the empty text."""
    decoded = lambda value: json.loads(value) if isinstance(value, str) else value
    lists = {name: decoded(row[name]) for name in ("to", "not_delivered", "body", "flags")}
    time = row["time"] if isinstance(row["time"], str) else row["time"].isoformat()
    return {**row, **lists, "time": time[:19], "custom": row["custom"] or ""}


def read(source: str, **parameters) -> list[dict]:
    quoted = ", ".join(f'"{name}"' for name in COLUMNS)
    rows = duckdb.execute(f"select {quoted} from {source} order by partition, \"offset\"", parameters).fetchall()
    return [plain(dict(zip(COLUMNS, row))) for row in rows]


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    duckdb.execute("set TimeZone = 'UTC'")
    text = {"to": "JSON", "not_delivered": "JSON", "body": "JSON", "flags": "JSON", "custom": "VARCHAR", "time": "VARCHAR"}
    types = ", ".join(f"'{name}': '{text.get(name, kind)}'" for name, kind in {
        **dict.fromkeys(COLUMNS, "VARCHAR"), "partition": "INTEGER", "offset": "BIGINT", "time_ms": "BIGINT"}.items())
    found = {
        "ndjson": read(f"read_json($file, format = 'newline_delimited', columns = {{{types}}})",
                       file=str(folder / "messages.ndjson")),
        "csv": read(f"read_csv($file, header = true, columns = {{{types}}})", file=str(folder / "messages.csv")),
        "parquet": read("read_parquet($file)", file=str(folder / "parquet/*.parquet")),
    }
    for name, rows in found.items():
        if rows != found["ndjson"]:
            sys.exit(f"{name} differs from ndjson:\n{rows}\n{found['ndjson']}")
    for row in found["parquet"]:
        print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()

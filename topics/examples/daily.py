"""Active users a day and messages an hour, from an export of the log: pip install duckdb, then

    ./duolog-replay export --format parquet --output export
    python3 topics/examples/daily.py export

The export holds every message that took effect, once. Days and hours are UTC. The same export command, run again, adds
what is new; so does this.
"""

import pathlib
import sys

import duckdb

ACTIVES = """
    select strftime(epoch_ms(time_ms), '%Y-%m-%d') as day, count(distinct "from") as actives, count(*) as messages
    from read_parquet($files) group by day order by day
"""
HOURS = """
    select strftime(epoch_ms(time_ms), '%Y-%m-%d %H:00') as hour, count(*) as messages, sum(len("to")) as deliveries
    from read_parquet($files) group by hour order by hour
"""


def show(title: str, names: list[str], rows: list[tuple]) -> None:
    print(title)
    for row in [names, *rows]:
        print("  " + "  ".join(f"{value!s:>16}" for value in row))


def main() -> None:
    export = pathlib.Path(sys.argv[1])
    files = {"files": str(export / "*.parquet" if export.is_dir() else export)}
    show("Active users", ["day", "actives", "messages"], duckdb.execute(ACTIVES, files).fetchall())
    show("Messages", ["hour", "messages", "deliveries"], duckdb.execute(HOURS, files).fetchall())


if __name__ == "__main__":
    main()

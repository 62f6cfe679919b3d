"""Follows the embedded log in Python, with nothing installed:

    ./duolog-replay tail --follow --kind message.sent | python3 topics/examples/follow.py

A line of `tail` is a record: its place, who, when, and what it says, as JSON. Each record has an id that is the same at
every repeat, so a reader that starts again from an offset drops what it has seen.
"""

import json
import sys


def main() -> None:
    for line in sys.stdin:
        record = json.loads(line)
        if record["kind"] != "message.sent":
            continue
        says = record["event"]
        # The body is JSON text, exactly as it was received.
        kinds = [element["MsgType"] for element in json.loads(says["content"]["body"])]
        print(record["time"], f"{record['account']} -> {', '.join(says['receivers'])}: {' + '.join(kinds)}", flush=True)


if __name__ == "__main__":
    main()

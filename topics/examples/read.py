"""Reads duolog's events in Python: pip install msgpack, then python3 topics/examples/read.py

Without a broker it reads the samples. With one, any Kafka client gives the same three things: key, headers, value.
"""

import json
import pathlib
import sys

import msgpack


def decode(key: bytes, headers: dict[str, str], value: bytes) -> dict:
    """One record as an event: who, what kind, when, and what it says."""
    if headers.get("ce_specversion") != "1.0" or not headers["ce_type"].startswith("duolog."):
        raise ValueError("not an event of duolog")
    return {
        "id": headers["ce_id"],
        "kind": headers["ce_type"].removeprefix("duolog."),
        "version": int(headers["ce_dataversion"]),
        "time": headers["ce_time"],
        "account": key.decode("ascii"),
        "carried": "ce_stamp" in headers,
        "says": msgpack.unpackb(value),
    }


def elements(content: dict) -> list[dict]:
    """The elements of a message: its body is JSON text, exactly as it was received."""
    return json.loads(content["body"])


def summary(event: dict) -> str:
    says = event["says"]
    if event["kind"] == "message.sent":
        kinds = [element["MsgType"] for element in elements(says["content"])]
        return f"{event['account']} -> {', '.join(says['receivers'])}: {' + '.join(kinds)}"
    return f"{event['account']}: {json.dumps(says, ensure_ascii=False)}"


def main() -> None:
    samples = pathlib.Path(__file__).parent.parent / "samples"
    for file in sorted(samples.glob("*.bin")):
        sample = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        event = decode(sample["key"].encode(), sample["headers"], file.read_bytes())
        if event["says"] != sample["payload"]:
            sys.exit(f"{file.name} does not say what {file.stem}.json does")
        print(event["time"], event["kind"], summary(event))


if __name__ == "__main__":
    main()

"""Follows duolog's events on Kafka: pip install confluent-kafka msgpack, then

    python3 topics/examples/consume.py BROKERS [TOPIC] [--until-end]

Prints a line for each event, from the beginning of the topic; with --until-end it stops where the topic ends now.
"""

import sys

from confluent_kafka import Consumer, KafkaError, TopicPartition

from read import decode, summary


def assign_all(consumer: Consumer, topic: str) -> int:
    """Takes every partition from its beginning, without a group: nobody else's position is touched."""
    found = consumer.list_topics(topic, timeout=30).topics[topic]
    if found.error is not None:
        sys.exit(f"{topic}: {found.error}")
    consumer.assign([TopicPartition(topic, partition, 0) for partition in found.partitions])
    return len(found.partitions)


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if not arguments:
        sys.exit(__doc__)
    topic = arguments[1] if len(arguments) > 1 else "duolog.events"
    consumer = Consumer(
        {
            "bootstrap.servers": arguments[0],
            # The client asks for a name; nothing is committed under it.
            "group.id": "duolog-example",
            "enable.auto.commit": False,
            # What duolog has trimmed is gone; begin with what is there.
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
    )
    left = assign_all(consumer, topic)
    while left or "--until-end" not in sys.argv:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            if message.error().code() != KafkaError._PARTITION_EOF:
                sys.exit(str(message.error()))
            left -= 1
            continue
        headers = {name: value.decode() for name, value in message.headers() or []}
        event = decode(message.key(), headers, message.value())
        print(message.partition(), message.offset(), event["time"], event["kind"], summary(event))
    consumer.close()


if __name__ == "__main__":
    main()

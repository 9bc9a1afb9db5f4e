"""confluent-kafka-python (librdkafka): producers, consumers, groups, and the admin client."""

import threading
import time

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from checks import BOOTSTRAP, CODECS, check, run, same, unique, until

admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def new_topic(prefix="confluent", partitions=1, **config):
    name = unique(prefix)
    admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result(30)
    return name


def producer(**config):
    return Producer({"bootstrap.servers": BOOTSTRAP, **{k.replace("_", "."): v for k, v in config.items()}})


def produce(topic, values, partition=0, **config):
    """Produces values to a partition and returns the delivered messages, in the order of delivery."""
    delivered, p = [], producer(**config)

    def on_delivery(error, message):
        if error:
            raise KafkaException(error)
        delivered.append(message)

    for value in values:
        p.produce(topic, value, partition=partition, on_delivery=on_delivery)
        p.poll(0)
    same(p.flush(30), 0, "messages left after flush")
    return delivered


def consumer(group=None, **config):
    return Consumer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "group.id": group or unique("confluent-group"),
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6000,
            **{k.replace("_", "."): v for k, v in config.items()},
        }
    )


def read(c, count, seconds=30):
    """Polls a number of messages."""
    messages = []

    def more():
        message = c.poll(0.2)
        if message is not None:
            if message.error():
                raise KafkaException(message.error())
            messages.append(message)
        return len(messages) >= count

    until(more, f"{count} messages, got {len(messages)}", seconds, step=lambda: None)
    return messages


def read_partition(topic, count, offset=OFFSET_BEGINNING, partition=0):
    c = consumer()
    c.assign([TopicPartition(topic, partition, offset)])
    try:
        return read(c, count)
    finally:
        c.close()


@check("an idempotent producer: 5000 messages, in order, once")
def idempotent():
    topic = new_topic()
    values = [b"%d" % i for i in range(5000)]
    delivered = produce(topic, values, enable_idempotence=True, linger_ms=1)
    same([m.offset() for m in delivered], list(range(5000)), "offsets of deliveries")
    same([m.value() for m in read_partition(topic, 5000)], values)


for _codec in CODECS:

    @check(f"codec {_codec}: values, keys and headers")
    def codec(codec=_codec):
        topic = new_topic()
        p = producer(compression_type=codec, linger_ms=20)
        for i in range(300):
            p.produce(topic, b"v%d" % i * 50, key=b"k%d" % i, headers=[("n", b"%d" % i), ("null", None)], partition=0)
        same(p.flush(30), 0)
        for i, m in enumerate(read_partition(topic, 300)):
            same((m.key(), m.value(), m.headers()), (b"k%d" % i, b"v%d" % i * 50, [("n", b"%d" % i), ("null", None)]))


@check("messages of 5 MiB where the topic allows them")
def large():
    topic = new_topic(**{"max.message.bytes": "8388608"})
    values = [bytes([i]) * (5 << 20) for i in range(3)]
    produce(topic, values, message_max_bytes=8 << 20)
    c = consumer(fetch_message_max_bytes=1 << 20)
    c.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    same([hash(m.value()) for m in read(c, 3)], [hash(v) for v in values])
    c.close()


@check("a message too large for the topic is refused by itself")
def too_large():
    topic = new_topic(**{"max.message.bytes": "2000"})
    errors, p = {}, producer(linger_ms=0)
    for name, size in [("small", 100), ("large", 5000), ("after", 100)]:
        p.produce(topic, b"x" * size, key=name, partition=0, on_delivery=lambda e, m: errors.__setitem__(m.key().decode(), e))
        p.flush(30)
    same({k: e and e.code() for k, e in errors.items()}, {"small": None, "large": KafkaError.MSG_SIZE_TOO_LARGE, "after": None})
    same([m.key() for m in read_partition(topic, 2)], [b"small", b"after"])


@check("the producer's timestamps come back; a LogAppendTime topic gives its own")
def timestamps():
    stamp = int(time.time() * 1000) - 60_000
    for kind, config in [(1, {}), (2, {"message.timestamp.type": "LogAppendTime"})]:
        topic = new_topic(**config)
        p = producer()
        p.produce(topic, b"x", partition=0, timestamp=stamp)
        same(p.flush(30), 0)
        got_kind, got = read_partition(topic, 1)[0].timestamp()
        same(got_kind, kind, "timestamp type")
        if kind == 1:
            same(got, stamp, "timestamp")
        elif not 0 <= time.time() * 1000 - got < 30_000:
            raise AssertionError(f"append time {got} is not now")


@check("watermarks, seek, and offsets for times")
def seek():
    topic = new_topic()
    p = producer()
    base = int(time.time() * 1000) - 100_000
    for i in range(100):
        p.produce(topic, b"%d" % i, partition=0, timestamp=base + 1000 * i)
    same(p.flush(30), 0)
    c = consumer()
    c.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    same(c.get_watermark_offsets(TopicPartition(topic, 0), timeout=10), (0, 100))
    same(read(c, 1)[0].value(), b"0")
    c.seek(TopicPartition(topic, 0, 70))
    same(read(c, 1)[0].value(), b"70")
    c.seek(TopicPartition(topic, 0, 3))
    same(read(c, 1)[0].value(), b"3")
    found = c.offsets_for_times([TopicPartition(topic, 0, base + 1000 * 42 - 1)], timeout=10)
    same(found[0].offset, 42, "offset for time")
    same(c.offsets_for_times([TopicPartition(topic, 0, base + 10_000_000)], timeout=10)[0].offset, OFFSET_END, "a time after all")
    c.close()


@check("an offset out of range follows auto.offset.reset")
def out_of_range():
    topic = new_topic()
    produce(topic, [b"a", b"b"])
    same(read_partition(topic, 2, offset=1000)[0].value(), b"a")


@check("commit and committed, with metadata, across consumers")
def commits():
    topic, group = new_topic(), unique("confluent-group")
    produce(topic, [b"%d" % i for i in range(10)])
    c = consumer(group)
    c.subscribe([topic])
    same([m.value() for m in read(c, 10)], [b"%d" % i for i in range(10)])
    c.commit(offsets=[TopicPartition(topic, 0, 4, metadata="by hand")], asynchronous=False)
    got = c.committed([TopicPartition(topic, 0)], timeout=10)[0]
    same((got.offset, got.metadata), (4, "by hand"))
    c.close()
    c = consumer(group)
    c.subscribe([topic])
    same(read(c, 1)[0].value(), b"4", "where the next consumer starts")
    c.close()


class Member(threading.Thread):
    """A group member that polls until it is told to leave."""

    def __init__(self, topic, group, strategy):
        super().__init__(daemon=True)
        self.consumer = consumer(group, partition_assignment_strategy=strategy, heartbeat_interval_ms=500)
        self.topic, self.owned, self.values, self.leaving = topic, set(), [], threading.Event()
        self.rounds = 0
        self.start()

    def run(self):
        def assigned(c, partitions):
            self.owned |= {p.partition for p in partitions}
            self.rounds += 1

        def revoked(c, partitions):
            self.owned -= {p.partition for p in partitions}
            if self.values:
                c.commit(asynchronous=False)

        self.consumer.subscribe([self.topic], on_assign=assigned, on_revoke=revoked, on_lost=revoked)
        while not self.leaving.is_set():
            message = self.consumer.poll(0.05)
            if message is not None and not message.error():
                self.values.append(message.value())
        self.consumer.close()

    def leave(self):
        self.leaving.set()
        self.join(30)


for _strategy in ["range", "cooperative-sticky"]:

    @check(f"a group of two rebalances: {_strategy}")
    def rebalance(strategy=_strategy):
        topic, group = new_topic(partitions=4), unique("confluent-group")
        whole = {0, 1, 2, 3}
        first = Member(topic, group, strategy)
        until(lambda: first.owned == whole, "the first member owns all")
        second = Member(topic, group, strategy)
        until(
            lambda: len(first.owned) == 2 and len(second.owned) == 2 and first.owned | second.owned == whole,
            "both own half",
        )
        for p in whole:
            produce(topic, [b"%d-%d" % (p, i) for i in range(100)], partition=p)
        until(lambda: len(first.values) + len(second.values) >= 400, "all is read")
        first.leave()
        until(lambda: second.owned == whole, "the second member owns all")
        for p in whole:
            produce(topic, [b"after-%d" % p], partition=p)
        until(lambda: sum(v.startswith(b"after") for v in second.values) == 4, "the second member reads all that follows")
        second.leave()
        read_twice = len(first.values) + len(second.values) - len(set(first.values + second.values))
        same(read_twice, 0, "messages read twice")
        same(len(set(first.values + second.values)), 404)


@check("a static member comes back to its partitions without a rebalance")
def static_member():
    topic, group = new_topic(partitions=2), unique("confluent-group")

    def members():
        described = admin.describe_consumer_groups([group])[group].result(30)
        return [(m.group_instance_id, len(m.assignment.topic_partitions)) for m in described.members]

    for _ in range(2):
        c = consumer(group, group_instance_id="one")
        c.subscribe([topic])
        until(lambda: len(c.assignment()) == 2, "assignment", step=lambda: c.poll(0.05))
        same(members(), [("one", 2)], "members")
        c.close()  # a static member does not leave
        same(members(), [("one", 2)], "members after close")


@check("admin: create, describe, more partitions, delete topics")
def topics():
    name = new_topic(partitions=2)
    described = until(lambda: admin.list_topics(name, timeout=10).topics[name].partitions, "metadata")
    same(len(described), 2)
    try:
        admin.create_topics([NewTopic(name, 1, 1)])[name].result(30)
        raise AssertionError("a topic was created twice")
    except KafkaException as error:
        same(error.args[0].code(), KafkaError.TOPIC_ALREADY_EXISTS)
    admin.create_partitions([NewPartitions(name, 5)])[name].result(30)
    until(lambda: len(admin.list_topics(name, timeout=10).topics[name].partitions) == 5, "five partitions")
    admin.delete_topics([name])[name].result(30)
    until(lambda: name not in admin.list_topics(timeout=10).topics, "the topic is gone")


@check("admin: a topic that is created for validation only is not there")
def validate_only():
    name = unique("confluent")
    admin.create_topics([NewTopic(name, 3, 1)], validate_only=True)[name].result(30)
    same(name in admin.list_topics(timeout=10).topics, False)


@check("admin: describe configs, incremental alter")
def configs():
    name = new_topic(**{"retention.ms": "1000000"})
    resource = ConfigResource(ResourceType.TOPIC, name)

    def described():
        return admin.describe_configs([resource])[resource].result(30)

    until(lambda: name in admin.list_topics(timeout=10).topics, "metadata")
    same((described()["retention.ms"].value, described()["retention.ms"].is_default), ("1000000", False))
    same((described()["cleanup.policy"].value, described()["cleanup.policy"].is_default), ("delete", True))
    changed = ConfigResource(
        ResourceType.TOPIC,
        name,
        incremental_configs=[
            ConfigEntry("retention.bytes", "5000000", incremental_operation=AlterConfigOpType.SET),
            ConfigEntry("retention.ms", None, incremental_operation=AlterConfigOpType.DELETE),
        ],
    )
    admin.incremental_alter_configs([changed])[changed].result(30)
    until(lambda: described()["retention.bytes"].value == "5000000", "retention.bytes is set")
    same((described()["retention.ms"].value, described()["retention.ms"].is_default), ("604800000", True))
    wrong = ConfigResource(
        ResourceType.TOPIC, name, incremental_configs=[ConfigEntry("retention.ms", "soon", incremental_operation=AlterConfigOpType.SET)]
    )
    try:
        admin.incremental_alter_configs([wrong])[wrong].result(30)
        raise AssertionError("a wrong value was taken")
    except KafkaException as error:
        same(error.args[0].code(), KafkaError.INVALID_CONFIG)
    cluster = admin.describe_cluster().result(30)
    broker = ConfigResource(ResourceType.BROKER, str(cluster.nodes[0].id))
    if "num.partitions" not in admin.describe_configs([broker])[broker].result(30):
        raise AssertionError("the broker's configs have no num.partitions")


@check("admin: delete records, list offsets")
def delete_records():
    name = new_topic()
    produce(name, [b"%d" % i for i in range(20)])
    tp = TopicPartition(name, 0, 15)
    same(list(admin.delete_records([tp]).values())[0].result(30).low_watermark, 15)

    def listed(spec):
        return list(admin.list_offsets({TopicPartition(name, 0): spec}).values())[0].result(30).offset

    same((listed(OffsetSpec.earliest()), listed(OffsetSpec.latest())), (15, 20))
    same(read_partition(name, 1)[0].offset(), 15, "where reading starts")


@check("admin: list, describe, alter offsets of, and delete groups")
def groups():
    topic, group = new_topic(), unique("confluent-group")
    produce(topic, [b"%d" % i for i in range(10)])
    c = consumer(group)
    c.subscribe([topic])
    read(c, 10)
    c.commit(asynchronous=False)
    described = admin.describe_consumer_groups([group])[group].result(30)
    same((described.state.name, len(described.members), described.partition_assignor), ("STABLE", 1, "range"))
    same([(p.topic, p.partition) for p in described.members[0].assignment.topic_partitions], [(topic, 0)])
    try:
        admin.delete_consumer_groups([group])[group].result(30)
        raise AssertionError("a group with members was deleted")
    except KafkaException as error:
        same(error.args[0].code(), KafkaError.NON_EMPTY_GROUP)
    c.close()
    same(group in [g.group_id for g in admin.list_consumer_groups().result(30).valid], True)
    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 3)])
    admin.alter_consumer_group_offsets([wanted])[group].result(30)
    got = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(30)
    same([(p.partition, p.offset) for p in got.topic_partitions], [(0, 3)])
    admin.delete_consumer_groups([group])[group].result(30)
    same(group in [g.group_id for g in admin.list_consumer_groups().result(30).valid], False)


@check("admin: describe cluster and topics")
def describe():
    cluster = admin.describe_cluster().result(30)
    if not cluster.cluster_id or cluster.controller is None:
        raise AssertionError(f"cluster id {cluster.cluster_id!r}, controller {cluster.controller!r}")
    name = new_topic(partitions=3)
    from confluent_kafka import TopicCollection

    topic = admin.describe_topics(TopicCollection([name]))[name].result(30)
    same([(p.id, p.leader.id) for p in topic.partitions], [(i, cluster.nodes[0].id) for i in range(3)])
    if str(topic.topic_id) in ("", "AAAAAAAAAAAAAAAAAAAAAA"):
        raise AssertionError(f"topic id {topic.topic_id}")


@check("a topic made again under its name is empty")
def recreated():
    name = new_topic()
    produce(name, [b"old"] * 10)
    admin.delete_topics([name])[name].result(30)
    until(lambda: name not in admin.list_topics(timeout=10).topics, "the topic is gone")

    def created():
        try:
            return admin.create_topics([NewTopic(name, 1, 1)])[name].result(30) is None
        except KafkaException:
            return False

    until(created, "the name can be used again")
    produce(name, [b"new"])
    same([(m.offset(), m.value()) for m in read_partition(name, 1)], [(0, b"new")])


run()

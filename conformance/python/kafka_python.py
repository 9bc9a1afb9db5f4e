"""kafka-python: producer, consumer, group and admin basics, in pure Python."""

import threading

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
from kafka.errors import KafkaError, MessageSizeTooLargeError, TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

from checks import BOOTSTRAP, CODECS, check, run, same, unique, until

admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)

# How long a group member polls. kafka-python 3.0.12 forgets the assignment that it
# waits for when a poll's time is up between SyncGroup and its answer, and does not
# join again: with tens of milliseconds, a busy machine shows it.
GROUP_POLL_MS = 2000


def new_topic(partitions=1):
    name = unique("kafka-python")
    admin.create_topics([NewTopic(name, partitions, 1)])
    return name


def producer(**config):
    return KafkaProducer(bootstrap_servers=BOOTSTRAP, **config)


def consumer(group=None, **config):
    return KafkaConsumer(
        bootstrap_servers=BOOTSTRAP,
        group_id=group,
        auto_offset_reset="earliest",
        **{"enable_auto_commit": False, **config},
    )


def read(c, count):
    records = []

    def more():
        for batch in c.poll(GROUP_POLL_MS).values():
            records.extend(batch)
        return len(records) >= count

    until(more, f"{count} records", step=lambda: None)
    return records


def read_partition(topic, count):
    c = consumer()
    c.assign([TopicPartition(topic, 0)])
    try:
        return read(c, count)
    finally:
        c.close()


for _codec in CODECS:

    @check(f"codec {_codec}: keys, values, headers, offsets")
    def codec(codec=_codec):
        topic = new_topic()
        p = producer(compression_type=None if codec == "none" else codec, linger_ms=20)
        sent = [
            p.send(topic, key=b"k%d" % i, value=b"v%d" % i * 40, headers=[("n", b"%d" % i)], partition=0) for i in range(200)
        ]
        p.flush(30)
        same([f.get(30).offset for f in sent], list(range(200)), "offsets")
        p.close()
        for i, r in enumerate(read_partition(topic, 200)):
            same((r.offset, r.key, r.value, list(r.headers)), (i, b"k%d" % i, b"v%d" % i * 40, [("n", b"%d" % i)]))


for _acks in [0, 1, "all"]:

    @check(f"acks={_acks}")
    def acks(acks=_acks):
        topic = new_topic()
        p = producer(acks=acks, enable_idempotence=False)
        for i in range(20):
            p.send(topic, value=b"%d" % i, partition=0)
        p.flush(30)
        p.close()
        same([r.value for r in read_partition(topic, 20)], [b"%d" % i for i in range(20)])


@check("an idempotent producer")
def idempotent():
    topic = new_topic()
    p = producer(enable_idempotence=True, acks="all")
    for i in range(1000):
        p.send(topic, value=b"%d" % i, partition=0)
    p.flush(30)
    p.close()
    same([r.value for r in read_partition(topic, 1000)], [b"%d" % i for i in range(1000)])


@check("a record too large for the broker is refused by itself")
def too_large():
    topic = new_topic()
    p = producer(max_request_size=8 << 20, enable_idempotence=False)  # an idempotent one gives up for good
    try:
        p.send(topic, value=b"x" * (3 << 20), partition=0).get(30)
        raise AssertionError("a record of 3 MiB was taken")
    except MessageSizeTooLargeError:
        pass
    same(p.send(topic, value=b"small", partition=0).get(30).offset, 0)
    p.close()


@check("begin and end offsets, seek, offsets for times")
def seek():
    topic = new_topic()
    p = producer()
    for i in range(50):
        p.send(topic, value=b"%d" % i, partition=0, timestamp_ms=1_700_000_000_000 + 1000 * i)
    p.flush(30)
    p.close()
    c, tp = consumer(), TopicPartition(topic, 0)
    c.assign([tp])
    same((c.beginning_offsets([tp])[tp], c.end_offsets([tp])[tp]), (0, 50))
    c.seek(tp, 33)
    same(read(c, 1)[0].value, b"33")
    found = c.offsets_for_times({tp: 1_700_000_010_500})[tp]
    same((found.offset, found.timestamp), (11, 1_700_000_011_000))
    same(c.offsets_for_times({tp: 1_900_000_000_000})[tp], None, "a time after all")
    c.close()


@check("commit, and where the next consumer of the group starts")
def commits():
    topic, group = new_topic(), unique("kafka-python-group")
    p = producer()
    for i in range(10):
        p.send(topic, value=b"%d" % i, partition=0)
    p.flush(30)
    p.close()
    tp = TopicPartition(topic, 0)
    c = consumer(group)
    c.subscribe([topic])
    same(len(read(c, 10)), 10)
    c.commit({tp: OffsetAndMetadata(6, "by hand", -1)})
    same(c.committed(tp), 6)
    c.close()
    c = consumer(group)
    c.subscribe([topic])
    same(read(c, 1)[0].value, b"6")
    c.close()


class Member(threading.Thread):
    """A group member that polls until it is told to leave."""

    def __init__(self, topic, group):
        super().__init__(daemon=True)
        self.topic, self.group = topic, group
        self.owned, self.values, self.leaving, self.error = set(), [], threading.Event(), None
        self.start()

    def run(self):
        try:
            c = consumer(self.group, enable_auto_commit=True, heartbeat_interval_ms=500, session_timeout_ms=6000)
            c.subscribe([self.topic])
            while not self.leaving.is_set():
                for batch in c.poll(GROUP_POLL_MS).values():
                    self.values.extend(r.value for r in batch)
                self.owned = {p.partition for p in c.assignment()}
            c.close()
        except KafkaError as error:
            self.error = error

    def leave(self):
        self.leaving.set()
        self.join(30)
        if self.error:
            raise self.error


@check("a group of two rebalances")
def rebalance():
    topic, group = new_topic(partitions=4), unique("kafka-python-group")
    whole = {0, 1, 2, 3}
    first = Member(topic, group)
    until(lambda: first.owned == whole, "the first member owns all")
    second = Member(topic, group)
    until(lambda: len(first.owned) == 2 and first.owned | second.owned == whole and not first.owned & second.owned, "both own half")
    p = producer()
    for i in range(400):
        p.send(topic, value=b"%d" % i, partition=i % 4)
    p.flush(30)
    until(lambda: len(first.values) + len(second.values) >= 400, "all is read")
    first.leave()
    until(lambda: second.owned == whole, "the second member owns all")
    for i in range(4):
        p.send(topic, value=b"after-%d" % i, partition=i)
    p.flush(30)
    p.close()
    until(lambda: sum(v.startswith(b"after") for v in second.values) == 4, "the second member reads what follows")
    second.leave()
    same(sorted(first.values + second.values), sorted([b"%d" % i for i in range(400)] + [b"after-%d" % i for i in range(4)]))


@check("admin: topics")
def topics():
    name = new_topic(2)
    same(name in admin.list_topics(), True)
    try:
        admin.create_topics([NewTopic(name, 1, 1)])
        raise AssertionError("a topic was created twice")
    except TopicAlreadyExistsError:
        pass
    admin.create_partitions({name: NewPartitions(3)})
    until(lambda: len(admin.describe_topics([name])[0]["partitions"]) == 3, "three partitions")
    admin.delete_topics([name])
    until(lambda: name not in admin.list_topics(), "the topic is gone")


@check("admin: groups")
def groups():
    topic, group = new_topic(), unique("kafka-python-group")
    c = consumer(group)
    c.subscribe([topic])
    until(lambda: c.assignment(), "assignment", step=lambda: c.poll(GROUP_POLL_MS))
    c.commit({TopicPartition(topic, 0): OffsetAndMetadata(0, "", -1)})
    c.close()
    same(group in str(admin.list_groups()), True, "listed")
    same({tp.partition: o.offset for tp, o in offsets_of(group).items()}, {0: 0})
    admin.delete_groups([group])
    same(group in str(admin.list_groups()), False, "listed after its end")


def offsets_of(group):
    offsets = admin.list_group_offsets(group)
    return offsets.get(group, offsets)


run()

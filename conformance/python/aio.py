"""aiokafka: produce, consume and a group, on asyncio."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError

from checks import BOOTSTRAP, CODECS, check, run, same, unique


def asynchronous(function):
    """Runs a coroutine function as a check does, at most a minute."""
    return lambda: asyncio.run(asyncio.wait_for(function(), 60))


async def new_topic(partitions=1):
    name = unique("aiokafka")
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1)])
    await admin.close()
    return name


async def produce(topic, values, partition=0, **config):
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, **config) as p:
        sent = [await p.send(topic, v, key=b"key", partition=partition, headers=[("h", b"1")]) for v in values]
        return [(await f).offset for f in sent]


def consumer(*topics, group=None):
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=BOOTSTRAP,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=6000,
        heartbeat_interval_ms=500,
    )


async def read(c, count):
    return [await c.getone() for _ in range(count)]


for _codec in CODECS:

    def codec(codec=_codec):
        async def body():
            topic = await new_topic()
            values = [b"%d" % i * 40 for i in range(200)]
            config = {} if codec == "none" else {"compression_type": codec}
            same(await produce(topic, values, enable_idempotence=True, **config), list(range(200)), "offsets")
            async with consumer(topic) as c:
                got = await read(c, 200)
            same([(r.offset, r.key, r.value, r.headers) for r in got], [(i, b"key", v, (("h", b"1"),)) for i, v in enumerate(values)])

        return asynchronous(body)

    check(f"codec {_codec}: idempotent, keys, values, headers")(codec())


@check("a record too large for the broker is refused by itself")
@asynchronous
async def too_large():
    topic = await new_topic()
    try:
        await produce(topic, [b"x" * (3 << 20)], max_request_size=8 << 20)
        raise AssertionError("a record of 3 MiB was taken")
    except MessageSizeTooLargeError:
        pass
    same(await produce(topic, [b"small"]), [0])


@check("begin and end offsets, seek")
@asynchronous
async def seek():
    topic = await new_topic()
    await produce(topic, [b"%d" % i for i in range(30)])
    tp = TopicPartition(topic, 0)
    async with consumer() as c:
        c.assign([tp])
        same(((await c.beginning_offsets([tp]))[tp], (await c.end_offsets([tp]))[tp]), (0, 30))
        c.seek(tp, 21)
        same((await c.getone()).value, b"21")


@check("commit, and where the next consumer of the group starts")
@asynchronous
async def commits():
    topic, group = await new_topic(), unique("aiokafka-group")
    await produce(topic, [b"%d" % i for i in range(10)])
    tp = TopicPartition(topic, 0)
    async with consumer(topic, group=group) as c:
        await read(c, 10)
        await c.commit({tp: 7})
        same(await c.committed(tp), 7)
    async with consumer(topic, group=group) as c:
        same((await c.getone()).value, b"7")


@check("a group of two rebalances")
@asynchronous
async def rebalance():
    topic, group = await new_topic(4), unique("aiokafka-group")

    async def owns(c, count):
        while len(c.assignment()) != count:
            await asyncio.sleep(0.05)

    first, second = consumer(topic, group=group), consumer(topic, group=group)
    await first.start()
    await owns(first, 4)
    await second.start()
    await asyncio.gather(owns(first, 2), owns(second, 2))
    for p in range(4):
        await produce(topic, [b"%d" % p] * 10, partition=p)
    got = await asyncio.gather(read(first, 20), read(second, 20))
    same(sorted(r.value for r in got[0] + got[1]), sorted(b"%d" % p for p in range(4) for _ in range(10)))
    await first.commit()
    await second.commit()
    await first.stop()
    await owns(second, 4)
    for p in range(4):
        await produce(topic, [b"after"], partition=p)
    same([r.value for r in await read(second, 4)], [b"after"] * 4)
    await second.stop()


run()

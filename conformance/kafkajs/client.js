// kafkajs: produce, consume, a group of two, and the admin client.
'use strict'
const assert = require('assert').strict
const { Kafka, CompressionTypes, logLevel } = require('kafkajs')

const kafka = new Kafka({ brokers: [process.env.BOOTSTRAP], logLevel: logLevel.NOTHING, retry: { retries: 10 } })
const admin = kafka.admin()
const unique = prefix => `${prefix}-${Date.now()}-${Math.random().toString(36).slice(2, 8)}`

async function newTopic(numPartitions = 1) {
  const topic = unique('kafkajs')
  assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true }), true)
  return topic
}

async function produce(topic, values, { partition = 0, compression = CompressionTypes.None, ...options } = {}) {
  const producer = kafka.producer(options)
  await producer.connect()
  const messages = values.map((value, i) => ({ key: `k${i}`, value, partition, headers: { n: `${i}` } }))
  const [answer] = await producer.send({ topic, messages, compression })
  await producer.disconnect()
  return answer.baseOffset
}

async function until(condition, what, seconds = 30) {
  for (const deadline = Date.now() + seconds * 1000; !(await condition()); ) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

// member starts a consumer of a group that notes what it owns and what it reads.
async function member(topic, groupId) {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6000, rebalanceTimeout: 6000, heartbeatInterval: 500 })
  const self = { owned: [], read: [], stop: () => consumer.disconnect(), consumer }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { self.owned = payload.memberAssignment[topic] || [] })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      self.read.push({ offset: message.offset, key: `${message.key}`, value: `${message.value}`, n: `${message.headers.n}` })
    },
  })
  return self
}

const checks = {
  async 'produce and consume: keys, values, headers, offsets'() {
    const topic = await newTopic()
    const values = [...Array(300).keys()].map(i => `value ${i}`)
    assert.equal(await produce(topic, values), '0')
    assert.equal(await produce(topic, values, { compression: CompressionTypes.GZIP }), '300')
    const m = await member(topic, unique('kafkajs-group'))
    await until(() => m.read.length >= 600, 'all is read')
    await m.stop()
    const want = i => ({ offset: `${i}`, key: `k${i % 300}`, value: `value ${i % 300}`, n: `${i % 300}` })
    assert.deepEqual(m.read, [...Array(600).keys()].map(want))
  },
  async 'an idempotent producer'() {
    const topic = await newTopic()
    assert.equal(await produce(topic, ['a', 'b', 'c'], { idempotent: true, maxInFlightRequests: 1 }), '0')
    assert.deepEqual((await admin.fetchTopicOffsets(topic)).map(p => [p.low, p.high]), [['0', '3']])
  },
  async 'a group of two rebalances and leaves nothing unread'() {
    const topic = await newTopic(4)
    const group = unique('kafkajs-group')
    const first = await member(topic, group)
    await until(() => first.owned.length === 4, 'the first member owns all')
    const second = await member(topic, group)
    await until(() => first.owned.length === 2 && second.owned.length === 2, 'both own half')
    for (let partition = 0; partition < 4; partition++) await produce(topic, ['x', 'y'], { partition })
    await until(() => first.read.length + second.read.length >= 8, 'all is read')
    await first.stop()
    await until(() => second.owned.length === 4, 'the second member owns all')
    await second.stop()
    assert.equal(first.read.length + second.read.length, 8)
    const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    assert.deepEqual(offsets.partitions.map(p => p.offset), ['2', '2', '2', '2'])
    await admin.deleteGroups([group])
    assert.equal((await admin.listGroups()).groups.some(g => g.groupId === group), false)
  },
  async 'admin: topics, configs, offsets by time'() {
    const topic = await newTopic(2)
    assert.equal((await admin.listTopics()).includes(topic), true)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    await until(async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length === 3, 'three partitions')
    const resources = [{ type: 2, name: topic, configNames: ['cleanup.policy'] }]
    const { resources: [described] } = await admin.describeConfigs({ resources })
    assert.deepEqual(described.configEntries.map(e => [e.configName, e.configValue]), [['cleanup.policy', 'delete']])
    await produce(topic, ['x'])
    const byTime = await admin.fetchTopicOffsetsByTimestamp(topic, 0)
    assert.equal(byTime.find(p => p.partition === 0).offset, '0')
    await admin.deleteTopics({ topics: [topic] })
    await until(async () => !(await admin.listTopics()).includes(topic), 'the topic is gone')
  },
}

async function main() {
  let failed = 0
  await admin.connect()
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check()
      console.log(`PASS ${name}`)
    } catch (error) {
      failed++
      console.log(`FAIL ${name}\n     | ${`${error.stack}`.split('\n').slice(0, 8).join('\n     | ')}`)
    }
  }
  await admin.disconnect()
  console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0)
}

main().catch(error => { console.log(`FAIL kafkajs\n     | ${error.stack}\n0 passed, 1 failed`); process.exit(1) })

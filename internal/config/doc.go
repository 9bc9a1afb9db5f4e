// Package config knows every property of Seawall: name, type, default,
// meaning, and what may be set where.
//
// One flat registry of [Def] answers three questions that must not drift
// apart: what a broker is started with ([Load] → [Config]), what a topic may
// carry ([ResolveTopic] → [Topic]), and what DescribeConfigs and the command
// `seawall config` say about either ([Config.DescribeBroker],
// [Config.DescribeTopic], [All]).
//
// # Names
//
// A property has Kafka's name where Kafka has the setting, AutoMQ's s3.* name
// where that has it, and a name of our own only for the rest. Kafka's
// properties that mean nothing here are accepted, checked and marked Inert, so
// that an existing server.properties starts unchanged; those whose loss would
// surprise (TLS, SASL, ACLs, ZooKeeper) are refused instead.
//
// # Precedence
//
// Dynamic broker value, dynamic cluster-wide default, override of the command
// line, environment, file, the caller's own defaults, registry default. Within
// one property, a synonym counts only where no value stands under the name
// itself: log.retention.ms before log.retention.minutes before
// log.retention.hours.
//
// # Ownership
//
// The package is pure: it reads no file, environment, host name or memory size
// itself; [Sources] brings them. A [Config] is not changed after it was made,
// so it may be read by any goroutine. It owns no goroutine and no lock.
//
// Errors are for the operator: a [Faults] lists all that is wrong at once, each
// with the property, the value, what is wrong, and how to mend it.
package config

package broker

import "github.com/seawallmq/seawall/broker/server"

// Ctx is the request a handler serves: its connection, version, client id and
// so on. It is valid until the request is answered.
type Ctx = server.Request

// Ticket is the right and the duty to answer one request exactly once, at any
// time and from any goroutine. [Reply] answers it by a kmsg response.
type Ticket = server.Ticket

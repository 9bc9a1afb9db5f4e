package broker

import "math"

// Kafka's numbers of the operations that an access-control list knows.
const (
	opRead            = 3
	opWrite           = 4
	opCreate          = 5
	opDelete          = 6
	opAlter           = 7
	opDescribe        = 8
	opClusterAction   = 9
	opDescribeConfigs = 10
	opAlterConfigs    = 11
	opIdempotentWrite = 12
)

// What a client may do, as bits by operation. Nobody authorizes yet: it is
// everything that the kind of resource supports.
var (
	topicOperations = operations(opRead, opWrite, opCreate, opDelete, opAlter, opDescribe,
		opDescribeConfigs, opAlterConfigs)
	groupOperations   = operations(opRead, opDelete, opDescribe, opDescribeConfigs, opAlterConfigs)
	clusterOperations = operations(opCreate, opAlter, opDescribe, opClusterAction, opDescribeConfigs,
		opAlterConfigs, opIdempotentWrite)
)

// operationsNotAsked stands where the client did not ask for operations.
const operationsNotAsked = math.MinInt32

func operations(ops ...int) (bits int32) {
	for _, op := range ops {
		bits |= 1 << op
	}
	return bits
}

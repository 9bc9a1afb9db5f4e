// Command seawall is the broker and its tools in one binary.
//
//	seawall dev                     one broker with everything in one directory
//	seawall start FILE              a broker from a properties file
//	seawall status|drain|balance    a running cluster, by any node's admin listener
//	seawall config                  every property
//	seawall wal|object|meta dump    read-only looks at what is stored
//	seawall bench                   the harness: brokers side by side, and what they cost
//
// It owns the command line, exit codes, signals and the choice of log format;
// all work is done below. Exit codes: 0 done, 1 the work failed, 2 the command
// line or the configuration is wrong. Errors go to standard error, one line a
// fault.
package main

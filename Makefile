# make help lists the targets. Everything works on a clean checkout with Go and make alone.

GO ?= go
# The checkout may belong to another user, which Go's own version stamping
# refuses to look into; the version is handed to the linker instead.
export GOFLAGS := $(strip $(filter-out -buildvcs=%,$(GOFLAGS)) -buildvcs=false)

VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS    := -s -w -X main.version=$(VERSION)
TESTFLAGS  ?=
FUZZTIME   ?= 10s
RUNFLAGS   ?=
BENCHFLAGS ?=
SOAKFLAGS  ?=

.PHONY: help build run cluster test race lint bench run-bench soak fuzz conformance clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the static binary ./seawall
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o seawall ./cmd/seawall

run: build ## one broker on 127.0.0.1:9092, its data in .data/dev; RUNFLAGS=… adds flags
	./seawall dev --dir .data/dev $(RUNFLAGS)

cluster: build ## three brokers on 127.0.0.1:9092 to 9094, their data in .data/cluster; RUNFLAGS=… adds flags
	./seawall dev --nodes 3 --dir .data/cluster $(RUNFLAGS)

test: ## every test once
	$(GO) test ./... -count=1 -timeout 14m $(TESTFLAGS)

race: ## every test under the race detector
	$(GO) test -race ./... -count=1 -timeout 40m $(TESTFLAGS)

lint: ## gofmt, vet, staticcheck, the layers of the house
	@bad=$$(gofmt -l .); \
	  if [ -n "$$bad" ]; then echo "gofmt these files:"; echo "$$bad"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) test ./internal/archtest -count=1

fuzz: ## every fuzz target for FUZZTIME each
	GO='$(GO)' .ci/fuzz '$(FUZZTIME)'

bench: ## latency and throughput as ratios in one run; BENCHFLAGS=… adds flags (docs/performance.md)
	bench/run.sh $(BENCHFLAGS)

run-bench: build ## acknowledgements from a WAL against ones from object storage, in three minutes once built, with a report
	./seawall bench compare quick linger --arms wal,s3-250ms,s3-50ms,express-25ms --out bench/out/run-bench $(BENCHFLAGS)

soak: build ## thirty minutes under load: memory, goroutines and files stay flat; SOAKFLAGS=… adds flags
	./seawall bench soak $(SOAKFLAGS)

conformance: build ## real clients, outside suites, kill -9 and a lost store: docs/conformance.md
	conformance/run.sh

clean: ## remove what the targets made
	rm -rf seawall .data bench/out

# SPDX-License-Identifier: Apache-2.0

.DEFAULT_GOAL := help
.PHONY: schemathesis help setup build test check lint format run e2e-routes bench bench-gateway bench-gateway-quick bench-loops chaos soak soak-quick fuzz cost clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what building, testing and running need (Debian)
	@scripts/setup.sh

build: setup ## Build everything, for debugging
	swift build

test: ## Set up, check, build and run every test
	@scripts/test.sh

check: ## Check layers, words, links and layout, without a build
	@scripts/check.sh

lint: ## Check the layout of the code
	@scripts/format.sh --lint

format: ## Lay out the code as .swift-format says
	@scripts/format.sh

run: ## Start everything on this machine, ready to curl
	@scripts/run.sh

e2e-routes: ## Run the main job on 4,714 real routes (release build)
	@scripts/e2e-routes.sh

bench: ## Measure propagation, fleet, scale and throughput (release build)
	@scripts/bench.sh

bench-gateway: ## Measure the gateway beside nginx, HAProxy and Envoy, and write docs/gateway-benchmarks.md
	@scripts/bench-gateway.sh --docs docs

bench-gateway-quick: ## The same with two rounds of a second, printed only
	@scripts/bench-gateway.sh --rounds 2 --seconds 1

bench-loops: ## Measure a gateway of one event loop beside one of two (release build)
	@scripts/bench-loops.sh

chaos: ## Kill the control plane 500 times amid writes (release build)
	@scripts/chaos.sh

soak: ## Load a gateway while all around it changes, dies and misbehaves (release build)
	@scripts/soak.sh

soak-quick: ## The same in about eight minutes
	@scripts/soak.sh --seconds 5 --resets 5000 --clients 100

fuzz: ## Fuzz the engine by libFuzzer, a minute for each target
	@scripts/fuzz.sh

cost: ## Count a request's instructions and allocations, and fail where they have grown (release build)
	@scripts/cost.sh

schemathesis: ## Send 10,000 generated requests and hold the answers to the contract
	@swift build --product turnpike
	@scripts/schemathesis.sh

clean: ## Remove what was built, and the state of 'make run'
	swift package clean
	rm -rf .run

# Everything that is done with this repository, from a clean clone on Debian 12 with the Swift toolchain. `make help` lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help
JOBS ?= 2
SECONDS ?= 60
RELEASE := -c release -j $(JOBS) --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked
ADAPTERS := OnnxRuntimeAdapter XGBoostAdapter LightGBMAdapter PythonAdapter
PROGRAMS := registry events slipway scorer image-builder deployer replica-launcher router rpc-interop-server rpc-interop-client rpc-conformance-server rpc-conformance-client protobuf-testee

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: bootstrap
bootstrap: ## Install what the build and the tests need (quick when nothing is missing)
	@Scripts/bootstrap

.PHONY: build
build: bootstrap ## Build everything for debugging
	swift build -j $(JOBS) --build-tests

.PHONY: release
release: bootstrap ## Build the programs as they ship: optimised, without a Swift runtime beside them
	@for program in $(PROGRAMS) bench-echo; do swift build $(RELEASE) --product $$program || exit 1; done

.PHONY: run
run: bootstrap ## Set everything up, start what exists and show it at work
	swift build $(RELEASE) --product registry
	swift build $(RELEASE) --product slipway
	swift build $(RELEASE) --product scorer
	swift build $(RELEASE) --product OnnxRuntimeAdapter
	@Scripts/demonstrate "$$(swift build $(RELEASE) --show-bin-path)"

.PHONY: test
test: build lint test-unit test-interop test-acceptance test-images test-deployments test-scoring test-faults ## Set everything up and pass every test

.PHONY: test-unit
test-unit: bootstrap ## The tests in Swift, each target in a process of its own; ONLY=RPCTests runs one
	swift build -j $(JOBS) --build-tests
	Scripts/test-targets $(ONLY)

.PHONY: test-interop
test-interop: bootstrap ## Other implementations against our programs, and ours against theirs
	swift build -j $(JOBS)
	Tests/Interop/run --bin "$$(swift build --show-bin-path)"
	.tools/python/bin/python Tests/Conformance/protobuf/run.py "$$(swift build --show-bin-path)/protobuf-testee"

.PHONY: test-acceptance
test-acceptance: bootstrap ## The services as their users meet them: real programs, the command line, clients of others
	swift build -j $(JOBS) --product registry
	swift build -j $(JOBS) --product slipway
	swift build -j $(JOBS) --product events
	.tools/python/bin/python Tests/Acceptance/registry/run.py --bin "$$(swift build --show-bin-path)"
	.tools/events/bin/python Tests/Acceptance/events/run.py --bin "$$(swift build --show-bin-path)"

.PHONY: test-images
test-images: bootstrap ## Images, built with the real programs, taken and run by others; needs root for runc and docker
	for product in registry slipway image-builder image-maker scorer $(ADAPTERS); do \
		swift build -j $(JOBS) --product $$product || exit 1; done
	.tools/scoring/bin/python Tests/Acceptance/images/run.py --bin "$$(swift build --show-bin-path)" --only $(or $(ONLY),/)

.PHONY: test-deployments
test-deployments: bootstrap ## Endpoints from a file on, changed under load, with the real programs; ONLY="canary zero" for some
	for product in registry slipway image-builder deployer replica-launcher router scorer $(ADAPTERS); do \
		swift build -j $(JOBS) --product $$product || exit 1; done
	.tools/clients/bin/python Tests/Acceptance/deployments/run.py --bin "$$(swift build --show-bin-path)" \
		--only $(or $(ONLY),_)

.PHONY: test-scoring
test-scoring: bootstrap ## The scorer with its adapters and their frameworks; SCALE=full for all swaps, AREA=serving for some
	for product in scorer adapter-check bench-scoring-load $(ADAPTERS); do \
		swift build -j $(JOBS) --product $$product || exit 1; done
	.tools/scoring/bin/python Tests/Scoring/run.py --bin "$$(swift build --show-bin-path)" \
		--scale $(or $(SCALE),short) $(AREA)

.PHONY: test-scoring-full
test-scoring-full: bootstrap ## The scorer as promised: 1,000 swaps under 64 clients, and 10,000,000 requests with flat memory
	for product in scorer bench-scoring-load $(ADAPTERS); do \
		swift build $(RELEASE) --product $$product || exit 1; done
	.tools/scoring/bin/python Tests/Scoring/run.py --bin "$$(swift build $(RELEASE) --show-bin-path)" \
		--scale full --only $(or $(ONLY),case_) $(or $(AREA),serving millions)

.PHONY: test-shows
test-shows: bootstrap ## The registry at the scale that is promised: 10,000 versions of one name, 5 GB, 100,000 files
	swift build $(RELEASE) --product registry
	swift build $(RELEASE) --product slipway
	.tools/python/bin/python Tests/Acceptance/registry/run.py --bin "$$(swift build $(RELEASE) --show-bin-path)" \
		--scale full --only shows

.PHONY: test-faults
test-faults: bootstrap ## Floods of calls, cancels, deaths, idle connections, slow readers, kills; SCALE=full for all of it
	for product in rpc-interop-server activity-worker image-builder registry events slipway; do \
		swift build -j $(JOBS) --product $$product || exit 1; done
	Tests/Faults/run --bin "$$(swift build --show-bin-path)" --scale $(or $(SCALE),short)
	Tests/Faults/images/run.py --bin "$$(swift build --show-bin-path)" --scale $(or $(SCALE),short)

.PHONY: test-asan
test-asan: bootstrap ## The tests in Swift under the address sanitizer
	swift build -j $(JOBS) --build-tests --sanitize=address --scratch-path .build-asan
	ASAN_OPTIONS=detect_leaks=0 FLAGS="--sanitize=address --scratch-path .build-asan" Scripts/test-targets $(ONLY)

.PHONY: test-tsan
test-tsan: bootstrap ## The tests in Swift under the thread sanitizer; ONLY="PostgresTests BlobsTests" runs some
	swift build -j $(JOBS) --build-tests --sanitize=thread --scratch-path .build-tsan
	TSAN_OPTIONS="suppressions=$(CURDIR)/Tests/thread-sanitizer.txt" \
		FLAGS="--sanitize=thread --scratch-path .build-tsan" Scripts/test-targets $(ONLY)

.PHONY: fuzz
fuzz: bootstrap ## Run every fuzz target for SECONDS=60 each
	@for target in $$(Scripts/fuzz --list); do Scripts/fuzz $$target $(SECONDS) || exit 1; done

.PHONY: bench
bench: ## Run the benchmarks, with their peers in the same run
	@Scripts/bootstrap --benchmarks
	swift build $(RELEASE) --product bench-echo
	Benchmarks/Echo/run --ours "$$(swift build $(RELEASE) --show-bin-path)/bench-echo"
	Benchmarks/Protobuf/run
	Benchmarks/Registry/run --quick

.PHONY: bench-images
bench-images: ## Build images beside docker build, and compare times and sizes; needs root for dockerd
	@Scripts/bootstrap --benchmarks
	for product in registry image-builder scorer slipway $(ADAPTERS); do \
		swift build $(RELEASE) --product $$product || exit 1; done
	Benchmarks/Images/run --ours "$$(swift build $(RELEASE) --show-bin-path)"

.PHONY: lint
lint: bootstrap ## Layout, rules of the house, and whether generated code is up to date
	Scripts/lint
	Scripts/generate --check

.PHONY: format
format: ## Lay out all Swift files
	Scripts/lint --fix

.PHONY: generate
generate: bootstrap ## Generate the code that comes from Protos/
	Scripts/generate

.PHONY: clean
clean: ## Remove what was built
	rm -rf .build .build-* fuzz

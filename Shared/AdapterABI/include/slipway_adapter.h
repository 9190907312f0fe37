/* The contract between a scorer and a model's framework.
 *
 * An adapter is a dynamic library that exports one symbol, `slipway_adapter_entry`, and includes nothing of Slipway but
 * this header. Whatever it needs of its host comes in a table of functions; whatever the host needs of it goes out in
 * another. Docs/adapters.md tells the story; here stands what holds.
 *
 * Rules that hold everywhere
 *   - Versions. The host names a major version and gets a table or NULL. Structs begin with their size: read a member
 *     only where the size says that it is there. Members are only ever appended, and none changes its meaning.
 *   - Errors. A function that can fail returns NULL for success, or a status made by `slipway_host.status`. Returning
 *     it gives it to the host, which made it and releases it. After a failure no out parameter is read, and the adapter
 *     has released whatever it had made.
 *   - Memory. Who creates, releases. What a pointer parameter points at is valid until the call returns, unless it says
 *     otherwise; of an execution until it is completed.
 *   - Text is UTF-8 with a length and need not end in zero.
 *   - Nothing is thrown, no signal handler installed, no locale, umask or working directory changed, no process ended.
 *   - What is read once crosses as a message of Protos/slipway/adapter/v1/adapter.proto; tensors cross as structs.
 */
#ifndef SLIPWAY_ADAPTER_H
#define SLIPWAY_ADAPTER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The host refuses an adapter of another major version before any other call. */
#define SLIPWAY_ADAPTER_MAJOR 1
/* Counts appended members. */
#define SLIPWAY_ADAPTER_MINOR 0

#if defined(__GNUC__)
#define SLIPWAY_ADAPTER_EXPORT __attribute__((visibility("default")))
#else
#define SLIPWAY_ADAPTER_EXPORT
#endif

/* ---- Values ------------------------------------------------------------------------------------------------- */

typedef struct slipway_bytes {
    const void *data; /* may be NULL where size is 0 */
    uint64_t size;
} slipway_bytes;

/* The numbers of gRPC's status codes that an adapter has use for. */
typedef int32_t slipway_code;
#define SLIPWAY_CANCELLED 1
#define SLIPWAY_UNKNOWN 2
#define SLIPWAY_INVALID_ARGUMENT 3    /* the caller's tensors are wrong: what, where, and what would be right */
#define SLIPWAY_DEADLINE_EXCEEDED 4
#define SLIPWAY_NOT_FOUND 5           /* a file that should be there is not */
#define SLIPWAY_RESOURCE_EXHAUSTED 8  /* memory, device, worker: later it may work */
#define SLIPWAY_FAILED_PRECONDITION 9 /* the model is of another format, or damaged: it will never load */
#define SLIPWAY_UNIMPLEMENTED 12      /* of this format, and more than this adapter or its framework can do */
#define SLIPWAY_INTERNAL 13
#define SLIPWAY_UNAVAILABLE 14        /* the framework's library, a provider or a device is not there */

typedef int32_t slipway_datatype;
#define SLIPWAY_BOOL 1 /* one byte, 0 or 1 */
#define SLIPWAY_UINT8 2
#define SLIPWAY_UINT16 3
#define SLIPWAY_UINT32 4
#define SLIPWAY_UINT64 5
#define SLIPWAY_INT8 6
#define SLIPWAY_INT16 7
#define SLIPWAY_INT32 8
#define SLIPWAY_INT64 9
#define SLIPWAY_FP16 10
#define SLIPWAY_FP32 11
#define SLIPWAY_FP64 12
#define SLIPWAY_BYTES 13 /* each element a little-endian uint32 length and that many bytes, back to back */
#define SLIPWAY_BF16 14

typedef int32_t slipway_log_level;
#define SLIPWAY_LOG_DEBUG 1
#define SLIPWAY_LOG_INFO 2
#define SLIPWAY_LOG_WARNING 3
#define SLIPWAY_LOG_ERROR 4

/* Opaque to the adapter. */
typedef struct slipway_status slipway_status;
typedef struct slipway_sink slipway_sink;

/* Opaque to the host: the adapter's own. */
typedef struct slipway_adapter_state slipway_adapter_state;
typedef struct slipway_model slipway_model;
typedef struct slipway_instance slipway_instance;

/* A tensor, row-major, little-endian, without gaps.
 *
 * The host has checked that `size` fits datatype and shape (of BYTES: that the elements fill it exactly), that no
 * dimension is negative and that the product does not overflow. It has not compared them with the model.
 * `data` is aligned as AdapterDescription.input_alignment asks. */
typedef struct slipway_tensor {
    uint32_t struct_size;
    slipway_datatype datatype;
    slipway_bytes name;
    const int64_t *shape;
    uint32_t rank; /* 0 is a scalar: one element */
    uint32_t reserved;
    const void *data; /* may be NULL where size is 0 */
    uint64_t size;
} slipway_tensor;

/* One execution: one request, or several that the host joined along the first dimension.
 *
 * Owned by the host, at one address until it is completed. */
typedef struct slipway_execution {
    uint32_t struct_size;
    uint32_t input_count;
    const slipway_tensor *inputs; /* any order; a model's optional inputs may be absent */
    /* Names of the outputs asked for; none means all. Giving more than was asked costs only time. */
    const slipway_bytes *output_names;
    uint32_t output_count;
    uint32_t request_count; /* how many requests were joined */
    int64_t deadline_ns;    /* on CLOCK_MONOTONIC; 0 where there is none. The host ends the request by itself. */
    slipway_bytes context;  /* an ExecutionContext message; empty where there is nothing to say */
    void *adapter_data;     /* NULL at first; the adapter's own until it completes */
} slipway_execution;

/* ---- What the host gives ------------------------------------------------------------------------------------ */

/* Valid until the adapter's `close` has returned. Each function may be called on any thread at any time. */
typedef struct slipway_host {
    uint32_t struct_size;
    uint32_t major;
    uint32_t minor;
    uint32_t reserved;
    void *context; /* the first argument of the functions below */

    /* Makes a status. The text is copied, and is shown to people: say what was wrong, where, and what would be right. */
    slipway_status *(*status)(void *context, slipway_code code, const char *message, uint64_t message_size);

    /* Writes to the scorer's log. The text is copied. */
    void (*log)(void *context, slipway_log_level level, const char *message, uint64_t message_size);

    /* Appends bytes to an answer of a function that was given a sink. They are copied. */
    void (*write)(void *context, slipway_sink *sink, const void *data, uint64_t size);

    /* Reserves the memory of an output of an execution that is under way, and tells its name, type and shape.
     *
     * The memory is the host's, aligned to 64 bytes, and becomes the answer as it is: write it whole before completing.
     * Each name at most once in an execution. NULL, with a status that the adapter returns or completes with, where the
     * output is refused (negative dimension, a size that does not fit, over the limit). */
    void *(*output)(
        void *context, slipway_execution *execution, slipway_bytes name, slipway_datatype datatype,
        const int64_t *shape, uint32_t rank, uint64_t size, slipway_status **refusal);

    /* Completes an execution for which `execute` set `*pending`: exactly once, from any thread, also before `execute`
     * has returned. After it the execution is gone. Takes the status. */
    void (*complete)(void *context, slipway_execution *execution, slipway_status *status_or_null);

    /* Whether nobody waits for the execution any more: long loops ask now and then, and complete with CANCELLED. */
    int32_t (*is_cancelled)(void *context, const slipway_execution *execution);
} slipway_host;

/* ---- What the adapter gives --------------------------------------------------------------------------------- */

/* Static, constant, valid as long as the library is loaded (which the host never ends).
 *
 * A function that is NULL is not supported; required are open, close, describe, load, unload, describe_model and
 * execute. An adapter is opened once in a process. */
typedef struct slipway_adapter {
    uint32_t struct_size;
    uint32_t major; /* SLIPWAY_ADAPTER_MAJOR of the header it was built with */
    uint32_t minor;
    uint32_t reserved;

    /* Makes the adapter ready; cheap. A framework's library is opened with the first model rather than here, so that
     * its absence is an error of the model that needs it. `options` is an AdapterOptions message. */
    slipway_status *(*open)(const slipway_host *host, slipway_bytes options, slipway_adapter_state **state);

    /* Releases what `open` made. All models are unloaded before. */
    void (*close)(slipway_adapter_state *state);

    /* Writes an AdapterDescription. */
    slipway_status *(*describe)(slipway_adapter_state *state, slipway_sink *sink);

    /* Looks at a model's folder, without loading, and writes a Recognition. Any thread, several at once. */
    slipway_status *(*recognise)(slipway_adapter_state *state, slipway_bytes load_request, slipway_sink *sink);

    /* Writes a MemoryEstimate of a model that is not loaded. Any thread, several at once. */
    slipway_status *(*estimate)(slipway_adapter_state *state, slipway_bytes load_request, slipway_sink *sink);

    /* Loads a model from a folder; `load_request` is a LoadRequest message. May take long; several loads may run at
     * once, on threads of the host. */
    slipway_status *(*load)(slipway_adapter_state *state, slipway_bytes load_request, slipway_model **model);

    /* Releases a model. No instance of it exists any more. */
    void (*unload)(slipway_model *model);

    /* Writes a ModelDescription: constant as long as the model is loaded. */
    slipway_status *(*describe_model)(slipway_model *model, slipway_sink *sink);

    /* Makes an instance: what one execution at a time needs. `options` is an InstanceOptions message.
     * Without these two functions the host passes a NULL instance to `execute`. */
    slipway_status *(*create_instance)(slipway_model *model, slipway_bytes options, slipway_instance **instance);

    /* Releases an instance, in which nothing executes. */
    void (*destroy_instance)(slipway_instance *instance);

    /* Executes. On one instance one execution at a time, unless ModelDescription.concurrent_executions says that more
     * are welcome; on several instances at once.
     *
     * Returns after the outputs are written; or sets `*pending` to 1, returns NULL and calls `slipway_host.complete`
     * later. With a status returned, the execution is completed, and `*pending` is not read. */
    slipway_status *(*execute)(
        slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending);

    /* Told once that nobody waits for a pending execution, from any thread. The adapter completes it still. */
    void (*cancel)(slipway_model *model, slipway_instance *instance, slipway_execution *execution);

    /* Writes AdapterMetrics of a model. Any thread, at any time between load and unload. */
    slipway_status *(*metrics)(slipway_model *model, slipway_sink *sink);
} slipway_adapter;

/* The one exported symbol. NULL where the major version is not the adapter's. */
#define SLIPWAY_ADAPTER_ENTRY "slipway_adapter_entry"
typedef const slipway_adapter *(*slipway_adapter_entry_function)(uint32_t major);
SLIPWAY_ADAPTER_EXPORT const slipway_adapter *slipway_adapter_entry(uint32_t major);

/* ---- Frozen ------------------------------------------------------------------------------------------------- */

#if UINTPTR_MAX == UINT64_MAX
#ifdef __cplusplus
#define SLIPWAY_FROZEN(condition) static_assert(condition, "the adapter contract is append-only")
#else
#define SLIPWAY_FROZEN(condition) _Static_assert(condition, "the adapter contract is append-only")
#endif
SLIPWAY_FROZEN(sizeof(slipway_bytes) == 16);
SLIPWAY_FROZEN(offsetof(slipway_tensor, name) == 8 && offsetof(slipway_tensor, shape) == 24);
SLIPWAY_FROZEN(offsetof(slipway_tensor, rank) == 32 && offsetof(slipway_tensor, data) == 40);
SLIPWAY_FROZEN(offsetof(slipway_tensor, size) == 48 && sizeof(slipway_tensor) == 56);
SLIPWAY_FROZEN(offsetof(slipway_execution, inputs) == 8 && offsetof(slipway_execution, output_names) == 16);
SLIPWAY_FROZEN(offsetof(slipway_execution, output_count) == 24 && offsetof(slipway_execution, request_count) == 28);
SLIPWAY_FROZEN(offsetof(slipway_execution, deadline_ns) == 32 && offsetof(slipway_execution, context) == 40);
SLIPWAY_FROZEN(offsetof(slipway_execution, adapter_data) == 56 && sizeof(slipway_execution) == 64);
SLIPWAY_FROZEN(offsetof(slipway_host, context) == 16 && offsetof(slipway_host, status) == 24);
SLIPWAY_FROZEN(offsetof(slipway_host, log) == 32 && offsetof(slipway_host, write) == 40);
SLIPWAY_FROZEN(offsetof(slipway_host, output) == 48 && offsetof(slipway_host, complete) == 56);
SLIPWAY_FROZEN(offsetof(slipway_host, is_cancelled) == 64 && sizeof(slipway_host) == 72);
SLIPWAY_FROZEN(offsetof(slipway_adapter, open) == 16 && offsetof(slipway_adapter, close) == 24);
SLIPWAY_FROZEN(offsetof(slipway_adapter, describe) == 32 && offsetof(slipway_adapter, recognise) == 40);
SLIPWAY_FROZEN(offsetof(slipway_adapter, estimate) == 48 && offsetof(slipway_adapter, load) == 56);
SLIPWAY_FROZEN(offsetof(slipway_adapter, unload) == 64 && offsetof(slipway_adapter, describe_model) == 72);
SLIPWAY_FROZEN(offsetof(slipway_adapter, create_instance) == 80 && offsetof(slipway_adapter, destroy_instance) == 88);
SLIPWAY_FROZEN(offsetof(slipway_adapter, execute) == 96 && offsetof(slipway_adapter, cancel) == 104);
SLIPWAY_FROZEN(offsetof(slipway_adapter, metrics) == 112 && sizeof(slipway_adapter) == 120);
#endif

#ifdef __cplusplus
}
#endif
#endif

/* What the files of this adapter share. */
#ifndef ADAPTER_H
#define ADAPTER_H

#include "OnnxFile.h"
#include "OrtFunctions.h"

#include <adapter_common.h>
#include <slipway_adapter.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* The runtime: one in a process, opened with the first model. */
typedef struct Runtime {
    OrtFunctions call;
    OrtEnv *environment;
    OrtMemoryInfo *memory;  /* the processor's */
    OrtAllocator *allocator; /* the runtime's own */
    OrtRunOptions *quietly; /* what goes wrong in an execution is told in its status, not in the log */
    char version[32];
    char **providers;
    int provider_count;
} Runtime;

struct slipway_adapter_state {
    const slipway_host *host;
    char *folder;
    char *library;
    int64_t shared_threads; /* of a pool that all models share; 0 where each has its own */
    pthread_mutex_t lock;   /* of the runtime while it is being opened */
    atomic_bool is_open;
    Runtime runtime;
};

/* How an input or output crosses. */
typedef enum Carrier {
    CARRIER_TENSOR,
    CARRIER_OPTIONAL, /* an output that may turn out to be nothing */
    CARRIER_MAPS,     /* an output: a sequence of maps from class to score, which goes out as a matrix */
} Carrier;

/* An input or output of a model. */
typedef struct Port {
    char *name;
    size_t name_size;
    slipway_datatype datatype;
    int element; /* as the runtime says it; of maps that of the key */
    Carrier carrier;
    bool may_be_absent;
    bool any_shape; /* not even the rank is known */
    uint32_t rank;
    int64_t *shape; /* -1 where any size will do */
    int32_t *symbols; /* of each dimension: the number of its name in the model, -1 where it has none */
    char **symbol_names; /* NULL where a dimension has none */
    const OnnxClasses *classes; /* of maps; NULL where the file does not say them */
    _Atomic(int) belief; /* of an output: see Prediction.h */
} Port;

struct slipway_model {
    slipway_adapter_state *state;
    OrtSession *session;
    OnnxFile file;
    Port *inputs;
    size_t input_count;
    size_t required_count;
    Port *outputs;
    size_t output_count;
    size_t symbol_count;
    adapter_description description;
};

/* Runtime.c. Opens the runtime unless it is open. */
slipway_status *runtime_open(slipway_adapter_state *state);
void runtime_close(slipway_adapter_state *state);
/* Says whose model the runtime's log is about, on this thread, until it is told NULL. */
void runtime_log_about(const char *model);

/* Failure.c. Make a status of the runtime's, and release that. */
slipway_status *load_failure(slipway_model *model, OrtStatus *failure, const char *path);
slipway_status *execution_failure(slipway_model *model, OrtStatus *failure);
slipway_status *other_failure(slipway_adapter_state *state, OrtStatus *failure, slipway_code code, const char *what);

/* Datatypes.c. 0 of what has no equal on the other side. */
slipway_datatype datatype_of_element(int element);
const char *element_name(int element);

/* Locate.c. The model in a folder, as a path; the caller frees it. */
slipway_status *locate_model(const slipway_host *host, const adapter_load_request *request, char **path);
slipway_status *recognise(slipway_adapter_state *state, slipway_bytes load_request, slipway_sink *sink);
slipway_status *estimate(slipway_adapter_state *state, slipway_bytes load_request, slipway_sink *sink);

/* Options.c. */
extern const adapter_option model_options[];
extern const adapter_option adapter_options[];

/* What a session is made with, for people. */
typedef struct SessionFacts {
    int64_t threads;
    const char *optimization;
    bool parallel;
    bool optional_inputs;
    adapter_text providers;
    adapter_text left_out; /* outputs */
} SessionFacts;

slipway_status *session_options_make(
    slipway_adapter_state *state, adapter_load_request *request, OrtSessionOptions **options, SessionFacts *facts);

/* Providers.c. */
slipway_status *providers_append(
    slipway_adapter_state *state, const adapter_load_request *request, const char *wanted, size_t first_option,
    OrtSessionOptions *options, adapter_text *chosen);

/* Ports.c. Reads inputs and outputs of a session; `left_out` gets the names of outputs that can't be had. */
slipway_status *ports_read(slipway_model *model, bool optional_inputs, adapter_text *left_out);
void ports_free(slipway_model *model);

/* Session.c. */
slipway_status *model_load(slipway_adapter_state *state, slipway_bytes load_request, slipway_model **model);
void model_unload(slipway_model *model);
slipway_status *model_describe(slipway_model *model, slipway_sink *sink);

/* Describe.c. */
slipway_status *describe_ports(slipway_model *model, const SessionFacts *facts);

/* Execute.c. */
slipway_status *execute(
    slipway_model *model, slipway_instance *instance, slipway_execution *execution, int32_t *pending);

/* Input.c. The value of an input; it may look at the tensor's memory until it is released. */
slipway_status *input_value(
    slipway_model *model, const Port *port, const slipway_tensor *tensor, OrtValue **value);

/* Strings.c. */
slipway_status *strings_in(slipway_model *model, const slipway_tensor *tensor, OrtValue **value);
slipway_status *strings_out(
    slipway_model *model, const Port *port, slipway_execution *execution, const OrtValue *value, const int64_t *shape,
    size_t rank, uint64_t count);

/* Maps.c. */
slipway_status *maps_out(
    slipway_model *model, const Port *port, slipway_execution *execution, const OrtValue *value);

#endif

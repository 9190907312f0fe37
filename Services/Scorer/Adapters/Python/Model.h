/* A model: what its workers are started with, and what the first of them said of it. */
#ifndef PYTHON_MODEL_H
#define PYTHON_MODEL_H

#include "Adapter.h"

#include <stdatomic.h>

typedef enum python_kind { PYTHON_SCRIPT, PYTHON_PICKLE, PYTHON_MLFLOW } python_kind;

/* What a model's folder offers. Strings are the finding's own. */
typedef struct python_finding {
    python_kind kind;
    const char *format; /* static */
    char *file;         /* relative to the folder */
    uint32_t certainty;
    char reason[512];   /* what speaks for it, or against it */
} python_finding;

/* Looks for what to serve: the file named, else the entry script, else an MLmodel, else the one pickle. Executes
 * nothing. 0, or a code with the reason; the finding is to be freed either way. */
slipway_code python_find(const char *folder, const char *file, const char *entry, python_finding *finding);
void python_finding_free(python_finding *finding);

/* The interpreter by name or path, as a path that can be run; the caller frees it. UNAVAILABLE with what was looked at. */
slipway_status *python_interpreter(const slipway_host *host, const char *name, const char *from, char **path);

struct slipway_model {
    slipway_adapter_state *state;
    _Atomic int references; /* one of the host's, one of each worker */
    char *name;
    char *folder; /* absolute */
    char *path;   /* of what is served, absolute */
    python_kind kind;
    const char *format;
    char *interpreter;
    char *datatype;
    char **environment; /* ended by NULL */
    int64_t memory_limit;      /* bytes; 0: none */
    int64_t init_timeout;      /* nanoseconds */
    int64_t execution_timeout; /* nanoseconds; 0: none */
    int64_t cancel_grace;      /* nanoseconds */

    /* What the first worker said: constant once the model is loaded. */
    pthread_mutex_t saying;
    uint8_t *description;
    size_t description_size;
    uint32_t flags;

    _Atomic uint64_t restarts;
    _Atomic uint64_t executions;
    _Atomic uint64_t script_failures;

    pthread_mutex_t lock; /* of what follows; a worker's own may be taken under it */
    python_worker *workers; /* all there are, linked by `sibling` */
    python_worker **spare; /* started, and not yet an instance's; NULL where one has become it */
    size_t spare_count;
};

/* Of the adapter's table. */
slipway_status *python_load(slipway_adapter_state *state, slipway_bytes load_request, slipway_model **loaded);
void python_unload(slipway_model *model);
slipway_status *python_describe_model(slipway_model *model, slipway_sink *sink);
slipway_status *python_create_instance(slipway_model *model, slipway_bytes options, slipway_instance **instance);
void python_destroy_instance(slipway_instance *instance);
slipway_status *python_metrics(slipway_model *model, slipway_sink *sink);

void python_model_release(slipway_model *model);

/* The environment that workers of the model start with: what of ours they may know, and what the options give. */
char **python_environment(const slipway_model *model, const adapter_load_request *request);
void python_environment_free(char **environment);

#endif

/* What adapters of trees have in common: all functions of their tables but those for a loaded model. */
#ifndef TREES_ADAPTER_H
#define TREES_ADAPTER_H

#include "trees_files.h"

#include <adapter_common.h>

/* A framework, as its adapter tells of it. Static. */
typedef struct trees_framework {
    const char *name;      /* the adapter's, and that of its flavour in MLflow */
    const char *framework; /* for people */
    const char *model;     /* with its article */
    const char *absence;   /* what a folder without a model has not */
    const char *const *formats;
    const adapter_option *options;
    trees_judge judge;
    uint32_t loading_factor; /* bytes of memory while loading for each of the file */

    const char *(*version)(void); /* may be NULL, and give NULL as long as the library is not open */
    const char *(*path)(void);    /* of the library; NULL as long as it is not open */
    slipway_status *(*load)(
        slipway_adapter_state *state, const adapter_load_request *request, slipway_model **model);
} trees_framework;

struct slipway_adapter_state {
    const slipway_host *host;
    const trees_framework *framework;
    adapter_options_message *options;
};

slipway_status *trees_adapter_open(
    const trees_framework *framework, const slipway_host *host, slipway_bytes options, slipway_adapter_state **state);

/* For the table. */
void trees_adapter_close(slipway_adapter_state *state);
slipway_status *trees_adapter_describe(slipway_adapter_state *state, slipway_sink *sink);
slipway_status *trees_adapter_recognise(slipway_adapter_state *state, slipway_bytes request, slipway_sink *sink);
slipway_status *trees_adapter_estimate(slipway_adapter_state *state, slipway_bytes request, slipway_sink *sink);
slipway_status *trees_adapter_load(slipway_adapter_state *state, slipway_bytes request, slipway_model **model);

/* Reads the model's file whole; the caller frees path and contents. NOT_FOUND where there is none. */
slipway_status *trees_adapter_read(
    slipway_adapter_state *state, const adapter_load_request *request, char **path, char **contents, size_t *size);

/* FAILED_PRECONDITION: the file at `path` is no model of the framework that can be served, and why. */
slipway_status *trees_damaged(
    const slipway_host *host, const char *path, const char *framework, const char *format, va_list arguments);

#endif

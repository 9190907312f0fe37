/* The framework's library: found, opened once, never closed. */
#ifndef ADAPTER_LIBRARY_H
#define ADAPTER_LIBRARY_H

#include <slipway_adapter.h>

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* A function of the library, with the place of its pointer in a table. A list ends with a NULL name. */
typedef struct adapter_symbol {
    const char *name;
    size_t offset;
    bool may_be_absent; /* then the pointer is NULL */
} adapter_symbol;

/* Where a framework's library is looked for. Static. */
typedef struct adapter_library_search {
    const char *adapter;       /* `xgboost`: the folder below frameworks/, and the name in messages */
    const char *framework;     /* `XGBoost`, for messages */
    const char *environment;   /* `SLIPWAY_XGBOOST_LIBRARY` */
    /* Names, best first, as glob's patterns: `libonnxruntime.so.1.*`. Ended by NULL. */
    const char *const *names;
    /* Patterns of libraries that have to be there first, looked for beside the library; may be NULL. */
    const char *const *siblings;
    const adapter_symbol *symbols;
} adapter_library_search;

/* One a process; starts as ADAPTER_LIBRARY_INITIAL with static storage. */
typedef struct adapter_library {
    pthread_mutex_t lock;
    bool is_open;
    char *path; /* what was opened; constant once it is open */
} adapter_library;

#define ADAPTER_LIBRARY_INITIAL { PTHREAD_MUTEX_INITIALIZER, false, NULL }

/* Opens the library, unless it is open, and fills `functions` with its symbols.
 *
 * `configured` is AdapterOptions.library: a file, or a folder that holds one. Where it is not empty nothing else is
 * looked at; the same is true of the environment variable, which comes next. Then come the folder of the adapter
 * (`adapter_folder`, or where the process found the adapter), ../frameworks/<adapter>/ seen from there, and the
 * system's search. UNAVAILABLE with each place and what was wrong with it; a later call tries again. */
slipway_status *adapter_library_open(
    const slipway_host *host, adapter_library *library, const adapter_library_search *search, const char *configured,
    const char *adapter_folder, void *functions);

#endif

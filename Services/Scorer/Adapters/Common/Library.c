#include "adapter_library.h"

#include "adapter_files.h"
#include "adapter_status.h"
#include "adapter_text.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One search under way: what is wanted, and what was wrong with each place so far. */
typedef struct attempt {
    const slipway_host *host;
    const adapter_library_search *search;
    adapter_text places;
    void *handle;
    char *path;
} attempt;

static void note(attempt *attempt, const char *place, const char *problem) {
    adapter_text_format(&attempt->places, "%s%s (%s)", attempt->places.size ? "; " : "", place, problem);
}

/* Opens what has to be there first. A library is found again by its name once it is loaded, wherever it lies. */
static void open_siblings(attempt *attempt, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash || !attempt->search->siblings) return;
    for (const char *const *pattern = attempt->search->siblings; *pattern; ++pattern) {
        char full[4096];
        int size = snprintf(full, sizeof full, "%.*s/%s", (int)(slash - path), path, *pattern);
        if (size < 0 || (size_t)size >= sizeof full) continue;
        glob_t found;
        if (glob(full, 0, NULL, &found) != 0) continue;
        for (size_t index = 0; index < found.gl_pathc; ++index) dlopen(found.gl_pathv[index], RTLD_NOW | RTLD_LOCAL);
        globfree(&found);
    }
}

static bool open_file(attempt *attempt, const char *path) {
    open_siblings(attempt, path);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *problem = dlerror();
        note(attempt, path, problem ? problem : "the loader does not say why not");
        return false;
    }
    attempt->handle = handle;
    attempt->path = strdup(path);
    return true;
}

/* Looks for the names in a folder, best first. */
static bool open_in_folder(attempt *attempt, const char *folder) {
    bool saw_one = false;
    for (const char *const *name = attempt->search->names; *name; ++name) {
        char full[4096];
        int size = snprintf(full, sizeof full, "%s/%s", folder, *name);
        if (size < 0 || (size_t)size >= sizeof full) continue;
        glob_t found;
        if (glob(full, 0, NULL, &found) != 0) continue;
        bool opened = false;
        for (size_t index = 0; index < found.gl_pathc && !opened; ++index) {
            saw_one = true;
            opened = open_file(attempt, found.gl_pathv[index]);
        }
        globfree(&found);
        if (opened) return true;
    }
    if (!saw_one) {
        adapter_text place = {0};
        adapter_text_format(&place, "%s/%s", folder, attempt->search->names[0]);
        note(attempt, adapter_text_string(&place), "not there");
        adapter_text_free(&place);
    }
    return false;
}

static bool open_place(attempt *attempt, const char *place) {
    return adapter_is_folder(place) ? open_in_folder(attempt, place) : open_file(attempt, place);
}

static bool open_usual(attempt *attempt, const char *adapter_folder) {
    char folder[4096] = "";
    Dl_info information;
    if (adapter_folder && *adapter_folder) {
        snprintf(folder, sizeof folder, "%s", adapter_folder);
    } else if (dladdr((void *)slipway_adapter_entry, &information) && information.dli_fname) {
        const char *slash = strrchr(information.dli_fname, '/');
        if (slash) snprintf(folder, sizeof folder, "%.*s", (int)(slash - information.dli_fname), information.dli_fname);
    }
    if (*folder) {
        char beside[4200];
        if (open_in_folder(attempt, folder)) return true;
        snprintf(beside, sizeof beside, "%s/../frameworks/%s", folder, attempt->search->adapter);
        if (open_in_folder(attempt, beside)) return true;
    }
    for (const char *const *name = attempt->search->names; *name; ++name) {
        if (!strpbrk(*name, "*?[") && open_file(attempt, *name)) return true;
    }
    return false;
}

static slipway_status *bind_symbols(attempt *attempt, void *functions) {
    for (const adapter_symbol *symbol = attempt->search->symbols; symbol->name; ++symbol) {
        void *address = dlsym(attempt->handle, symbol->name);
        if (!address && !symbol->may_be_absent) {
            return adapter_status(
                attempt->host, SLIPWAY_UNAVAILABLE, "%s lacks `%s`: it is another or an older library than %s's",
                attempt->path ? attempt->path : "the library", symbol->name, attempt->search->framework);
        }
        memcpy((char *)functions + symbol->offset, &address, sizeof address);
    }
    return NULL;
}

static slipway_status *open_unlocked(
    attempt *attempt, adapter_library *library, const char *configured, const char *adapter_folder, void *functions) {
    const adapter_library_search *search = attempt->search;
    const char *environment = getenv(search->environment);
    const char *setting = "";
    bool opened;
    if (configured && *configured) {
        setting = ", as the adapter's `library` says";
        opened = open_place(attempt, configured);
    } else if (environment && *environment) {
        setting = ", as the environment says";
        opened = open_place(attempt, environment);
    } else {
        opened = open_usual(attempt, adapter_folder);
    }
    if (!opened) {
        return adapter_status(
            attempt->host, SLIPWAY_UNAVAILABLE,
            "the library of %s was not found%s; give its path as the adapter's `library` or in %s. Looked at: %s",
            search->framework, setting, search->environment, adapter_text_string(&attempt->places));
    }
    slipway_status *refusal = bind_symbols(attempt, functions);
    if (refusal) return refusal;
    library->path = attempt->path;
    attempt->path = NULL;
    __atomic_store_n(&library->is_open, true, __ATOMIC_RELEASE);
    return NULL;
}

slipway_status *adapter_library_open(
    const slipway_host *host, adapter_library *library, const adapter_library_search *search, const char *configured,
    const char *adapter_folder, void *functions) {
    if (__atomic_load_n(&library->is_open, __ATOMIC_ACQUIRE)) return NULL;
    pthread_mutex_lock(&library->lock);
    slipway_status *status = NULL;
    if (!library->is_open) {
        attempt attempt = {.host = host, .search = search};
        status = open_unlocked(&attempt, library, configured, adapter_folder, functions);
        adapter_text_free(&attempt.places);
        free(attempt.path);
    }
    pthread_mutex_unlock(&library->lock);
    return status;
}

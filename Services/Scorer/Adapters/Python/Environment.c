#include "Model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* What a worker may know of the scorer's environment. Everything else stays away: tokens and databases are in it. */
static const char *const allowed[] = {
    "PATH", "LANG", "LC_*", "HOME", "TZ", "TMPDIR", "PYTHON*", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "OMP_*", "MKL_*",
    "OPENBLAS_*", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "ORT_DISABLE_TELEMETRY", NULL,
};

/* Whether a pattern, which may end with a star, means a variable's name. */
static bool is_meant(const char *variable, const char *pattern, size_t size) {
    size_t name = strcspn(variable, "=");
    if (!size) return false;
    return pattern[size - 1] == '*' ? name >= size - 1 && !strncmp(variable, pattern, size - 1)
                                    : name == size && !strncmp(variable, pattern, size);
}

static bool is_allowed(const char *variable) {
    for (size_t index = 0; allowed[index]; ++index) {
        if (is_meant(variable, allowed[index], strlen(allowed[index]))) return true;
    }
    /* What whoever made the scorer's surroundings wants scripts to see: an image's variables are for them. */
    const char *more = getenv("SLIPWAY_PYTHON_VARIABLES");
    while (more && *more) {
        size_t size = strcspn(more, ",");
        if (is_meant(variable, more, size)) return true;
        more += size + (more[size] == ',');
    }
    return false;
}

typedef struct variables {
    char **list;
    size_t count, capacity;
    bool failed;
} variables;

/* Sets a variable, over one of the same name. Takes the text `NAME=value`. */
static void set(variables *all, char *text) {
    size_t name = text ? strcspn(text, "=") + 1 : 0;
    if (!text || all->failed) {
        all->failed = true;
        free(text);
        return;
    }
    for (size_t index = 0; index < all->count; ++index) {
        if (!strncmp(all->list[index], text, name)) {
            free(all->list[index]);
            all->list[index] = text;
            return;
        }
    }
    if (all->count + 1 >= all->capacity) {
        size_t capacity = all->capacity ? all->capacity * 2 : 32;
        char **list = realloc(all->list, capacity * sizeof *list);
        if (!list) {
            all->failed = true;
            free(text);
            return;
        }
        all->list = list;
        all->capacity = capacity;
    }
    all->list[all->count++] = text;
    all->list[all->count] = NULL;
}

__attribute__((format(printf, 2, 3))) static void set_format(variables *all, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = NULL;
    if (vasprintf(&text, format, arguments) < 0) text = NULL;
    va_end(arguments);
    set(all, text);
}

char **python_environment(const slipway_model *model, const adapter_load_request *request) {
    variables all = {0};
    /* A model's folder is what was registered: nothing is added to it. */
    set_format(&all, "PYTHONDONTWRITEBYTECODE=1");
    set_format(&all, "PYTHONUTF8=1");
    for (char **variable = environ; *variable; ++variable) {
        if (is_allowed(*variable)) set(&all, strdup(*variable));
    }
    if (request->threads) {
        set_format(&all, "OMP_NUM_THREADS=%u", request->threads);
        set_format(&all, "OPENBLAS_NUM_THREADS=%u", request->threads);
        set_format(&all, "MKL_NUM_THREADS=%u", request->threads);
    }
    set_format(&all, "AZUREML_MODEL_DIR=%s", model->folder);
    set_format(&all, "SLIPWAY_MODEL_DIR=%s", model->folder);
    set_format(&all, "SLIPWAY_MODEL_NAME=%s", request->name);
    set_format(&all, "SLIPWAY_MODEL_VERSION=%lld", (long long)request->version);
    for (size_t index = 0; index < request->n_options; ++index) {
        const char *name = request->options[index]->key;
        if (!strncmp(name, "env.", 4)) set_format(&all, "%s=%s", name + 4, request->options[index]->value);
    }
    if (all.failed) {
        python_environment_free(all.list);
        return NULL;
    }
    return all.list;
}

void python_environment_free(char **environment) {
    for (size_t index = 0; environment && environment[index]; ++index) free(environment[index]);
    free(environment);
}

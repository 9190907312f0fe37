#include "Model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const pickles[] = {".pkl", ".pickle", ".joblib", NULL};

static bool is_pickle(const char *name) {
    for (size_t index = 0; pickles[index]; ++index) {
        if (adapter_has_extension(name, pickles[index])) return true;
    }
    return false;
}

typedef struct pickle_search {
    char *found;
    size_t count;
    adapter_text names;
} pickle_search;

static bool visit(void *context, const char *name) {
    pickle_search *search = context;
    if (!is_pickle(name)) return true;
    if (search->count++ == 0) search->found = strdup(name);
    if (search->count <= 5) adapter_text_format(&search->names, "%s%s", search->count > 1 ? ", " : "", name);
    return true;
}

static bool begins(const char *line, const char *with) {
    return !strncmp(line, with, strlen(with));
}

/* Whether a script's beginning has a line that defines `run`, or brings it from elsewhere. */
static bool defines_run(const char *path) {
    enum { capacity = 256 * 1024 };
    char *text = malloc(capacity + 1);
    if (!text) return false;
    text[adapter_file_head(path, text, capacity)] = 0;
    bool found = false;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line && !found; line = strsep(&rest, "\n")) {
        found = begins(line, "def run(") || begins(line, "async def run(") || begins(line, "run =")
            || (begins(line, "from ") && strstr(line, "run"));
    }
    free(text);
    return found;
}

/* Whether an MLmodel file has a flavour that only Python runs. */
static bool is_python_function(const char *path) {
    char text[64 * 1024 + 1];
    text[adapter_file_head(path, text, sizeof text - 1)] = 0;
    return strstr(text, "python_function:") || strstr(text, "sklearn:");
}

/* Says what is wrong with a folder. */
__attribute__((format(printf, 3, 4))) static slipway_code refuse(
    python_finding *finding, slipway_code code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->reason, sizeof finding->reason, format, arguments);
    va_end(arguments);
    return code;
}

/* Whether a path is one inside the folder that it is relative to. */
static bool is_inside(const char *path) {
    if (!*path || *path == '/') return false;
    for (const char *part = path; part; part = strchr(part, '/')) {
        if (*part == '/') ++part;
        if (!strncmp(part, "..", 2) && (part[2] == '/' || !part[2])) return false;
    }
    return true;
}

static slipway_code classify(const char *folder, const char *file, python_finding *finding) {
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/%s", folder, file);
    if (!is_inside(file)) {
        return refuse(
            finding, SLIPWAY_INVALID_ARGUMENT, "`%s` leads out of the model's folder; paths are relative to it", file);
    }
    if (size < 0 || (size_t)size >= sizeof path || adapter_file_size(path) < 0) {
        return refuse(finding, SLIPWAY_NOT_FOUND, "there is no file `%s` in %s", file, folder);
    }
    const char *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    if (adapter_has_extension(file, ".py")) {
        bool runs = defines_run(path);
        finding->kind = PYTHON_SCRIPT;
        finding->format = "python";
        finding->certainty = runs ? 95 : 40;
        refuse(
            finding, 0, "%s is a Python script%s", file,
            runs ? " with run()" : ", and defines no run() that is seen without executing it");
    } else if (!strcmp(base, "MLmodel")) {
        bool python = is_python_function(path);
        finding->kind = PYTHON_MLFLOW;
        finding->format = "mlflow";
        finding->certainty = python ? 55 : 10;
        refuse(
            finding, 0, "%s %s", file,
            python ? "has a flavour that Python runs, once the option allow_pickle allows it"
                   : "has no flavour of Python");
    } else if (is_pickle(file)) {
        finding->kind = PYTHON_PICKLE;
        finding->format = adapter_has_extension(file, ".joblib") ? "joblib" : "pickle";
        finding->certainty = 50;
        refuse(
            finding, 0, "%s is a %s; loading it executes code, and needs the option allow_pickle", file,
            finding->format);
    } else {
        return refuse(
            finding, SLIPWAY_FAILED_PRECONDITION,
            "`%s` is neither a script (.py) nor a pickle (.pkl, .pickle, .joblib) nor an MLmodel file", file);
    }
    finding->file = strdup(file);
    return finding->file ? 0 : refuse(finding, SLIPWAY_RESOURCE_EXHAUSTED, "no memory left for a path");
}

static bool is_there(const char *folder, const char *file) {
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/%s", folder, file);
    return size > 0 && (size_t)size < sizeof path && adapter_file_size(path) >= 0;
}

static slipway_code find_pickle(const char *folder, python_finding *finding) {
    pickle_search search = {0};
    adapter_folder_visit(folder, visit, &search);
    slipway_code code;
    if (search.count == 1 && search.found) {
        code = classify(folder, search.found, finding);
    } else if (search.count > 1) {
        code = refuse(
            finding, SLIPWAY_FAILED_PRECONDITION, "%s holds %zu pickles (%s); name one as the model's file", folder,
            search.count, adapter_text_string(&search.names));
    } else {
        code = refuse(
            finding, SLIPWAY_NOT_FOUND,
            "%s holds no entry script: no score.py, nor a pickle; the option `entry` names another", folder);
    }
    free(search.found);
    adapter_text_free(&search.names);
    return code;
}

slipway_code python_find(const char *folder, const char *file, const char *entry, python_finding *finding) {
    *finding = (python_finding){0};
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/%s", folder, file);
    if (*file && is_inside(file) && size > 0 && (size_t)size < sizeof path && adapter_is_folder(path)) {
        /* A folder in the model's: look there. */
        slipway_code code = python_find(path, "", entry, finding);
        char *joined = NULL;
        if (!code && asprintf(&joined, "%s/%s", file, finding->file) < 0) joined = NULL;
        free(finding->file);
        finding->file = joined;
        return code || joined ? code : refuse(finding, SLIPWAY_RESOURCE_EXHAUSTED, "no memory left for a path");
    }
    if (*file) return classify(folder, file, finding);
    if (entry) return classify(folder, entry, finding);
    if (is_there(folder, "score.py")) return classify(folder, "score.py", finding);
    if (is_there(folder, "MLmodel")) return classify(folder, "MLmodel", finding);
    return find_pickle(folder, finding);
}

void python_finding_free(python_finding *finding) {
    free(finding->file);
    finding->file = NULL;
}

slipway_status *python_interpreter(const slipway_host *host, const char *name, const char *from, char **path) {
    if (strchr(name, '/')) {
        if (adapter_file_size(name) < 0 || access(name, X_OK) != 0) {
            return adapter_status(
                host, SLIPWAY_UNAVAILABLE, "the interpreter %s, given by %s, is no program that can be run", name, from);
        }
        /* Not resolved: an interpreter of a virtual environment is a link, and known by its own place. */
        if (!(*path = *name == '/' ? strdup(name) : NULL) && *name != '/') {
            char folder[4096];
            if (!getcwd(folder, sizeof folder) || asprintf(path, "%s/%s", folder, name) < 0) *path = NULL;
        }
        return *path ? NULL : adapter_out_of_memory(host, "a path");
    }
    const char *places = getenv("PATH");
    if (!places) places = "/usr/local/bin:/usr/bin:/bin";
    for (const char *place = places; *place;) {
        size_t size = strcspn(place, ":");
        char candidate[4096];
        int length = snprintf(candidate, sizeof candidate, "%.*s/%s", (int)size, place, name);
        if (*place == '/' && length > 0 && (size_t)length < sizeof candidate && adapter_file_size(candidate) >= 0
            && access(candidate, X_OK) == 0) {
            *path = strdup(candidate);
            return *path ? NULL : adapter_out_of_memory(host, "a path");
        }
        place += size;
        if (*place == ':') ++place;
    }
    return adapter_status(
        host, SLIPWAY_UNAVAILABLE,
        "there is no `%s` (given by %s) in PATH (%s); name one by the model's option `interpreter`, the adapter's, or "
        "the environment variable SLIPWAY_PYTHON",
        name, from, places);
}

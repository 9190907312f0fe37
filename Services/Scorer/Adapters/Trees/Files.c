#include "trees_files.h"

#include "adapter_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 65536
/* Models of trees are read into memory whole. */
#define MOST ((uint64_t)8 << 30)

typedef struct search {
    const char *folder;
    trees_judge judge;
    trees_finding best;
} search;

static bool consider(void *context, const char *name) {
    search *search = context;
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/%s", search->folder, name);
    char *head = malloc(HEAD);
    if (head && size > 0 && (size_t)size < sizeof path) {
        size_t count = adapter_file_head(path, head, HEAD);
        trees_guess guess = search->judge(name, head, count);
        if (guess.certainty > search->best.guess.certainty) {
            free(search->best.file);
            search->best = (trees_finding){guess, strdup(name)};
        }
    }
    free(head);
    return true;
}

/* The value of `data` in the flavour's part of an MLmodel file: YAML, of which only this much is read. */
static char *flavour_data(char *text, const char *flavour) {
    size_t flavour_indent = 0;
    bool in_flavour = false;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        size_t indent = strspn(line, " "), size = strlen(line);
        while (size > indent && (line[size - 1] == '\r' || line[size - 1] == ' ')) line[--size] = 0;
        char *word = line + indent;
        if (in_flavour && indent <= flavour_indent) in_flavour = false;
        size_t length = strlen(flavour);
        if (indent > 0 && !strncmp(word, flavour, length) && !strcmp(word + length, ":")) {
            in_flavour = true;
            flavour_indent = indent;
        } else if (in_flavour && !strncmp(word, "data: ", 6)) {
            return strdup(word + 6);
        }
    }
    return NULL;
}

static char *of_mlflow(const char *folder, const char *flavour) {
    char path[4096], text[HEAD];
    int size = snprintf(path, sizeof path, "%s/MLmodel", folder);
    if (size < 0 || (size_t)size >= sizeof path) return NULL;
    size_t count = adapter_file_head(path, text, sizeof text - 1);
    text[count] = 0;
    return flavour_data(text, flavour);
}

trees_finding trees_find(const char *folder, const char *file, const char *flavour, trees_judge judge) {
    search search = {.folder = folder, .judge = judge};
    if (*file) {
        consider(&search, file);
        return search.best;
    }
    char *named = of_mlflow(folder, flavour);
    if (named) {
        consider(&search, named);
        free(named);
        if (search.best.guess.certainty == 0) return search.best;
        search.best.guess.certainty = 99;
        search.best.guess.reason = "MLmodel names it";
        return search.best;
    }
    adapter_folder_visit(folder, consider, &search);
    return search.best;
}

slipway_status *trees_path_found(
    const slipway_host *host, const char *folder, const char *file, const trees_finding *finding, const char *wanted,
    char **path) {
    const char *chosen = *file ? file : finding->file;
    if (!chosen) {
        return adapter_status(
            host, SLIPWAY_NOT_FOUND, "%s has no file that looks like %s; name it as the model's `file`", folder, wanted);
    }
    slipway_status *status = adapter_path_join(host, folder, chosen, path);
    if (status || adapter_file_size(*path) >= 0) return status;
    status = adapter_status(host, SLIPWAY_NOT_FOUND, "%s is no file that can be read", *path);
    free(*path);
    return status;
}

slipway_status *trees_read_found(
    const slipway_host *host, const char *folder, const char *file, const trees_finding *finding, const char *wanted,
    char **path, char **contents, size_t *size) {
    slipway_status *status = trees_path_found(host, folder, file, finding, wanted, path);
    if (status) return status;
    status = adapter_file_read(host, *path, MOST, contents, size);
    if (status) free(*path);
    return status;
}

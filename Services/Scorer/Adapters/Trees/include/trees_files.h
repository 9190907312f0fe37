/* Finding the model in a folder. */
#ifndef TREES_FILES_H
#define TREES_FILES_H

#include <slipway_adapter.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a file looks like to an adapter. */
typedef struct trees_guess {
    uint32_t certainty; /* 0: not mine */
    const char *format; /* as the registry names it; NULL where it is not mine. Static. */
    const char *reason; /* static */
} trees_guess;

/* Judges a file by its name and its first bytes. */
typedef trees_guess (*trees_judge)(const char *name, const char *head, size_t size);

typedef struct trees_finding {
    trees_guess guess;
    char *file; /* relative to the folder; NULL where nothing was found. The caller frees it. */
} trees_finding;

/* The best file of a folder: the one that MLflow's `MLmodel` gives for `flavour`, else the one that looks best.
 * Where `file` is not empty, only that one is looked at. */
trees_finding trees_find(const char *folder, const char *file, const char *flavour, trees_judge judge);

/* The path of `file`, or of a finding where that is empty; the caller frees it. NOT_FOUND where there is none, or where
 * it is not there. */
slipway_status *trees_path_found(
    const slipway_host *host, const char *folder, const char *file, const trees_finding *finding, const char *wanted,
    char **path);

/* Reads the file of a finding whole; the caller frees path and contents. NOT_FOUND where there is none. */
slipway_status *trees_read_found(
    const slipway_host *host, const char *folder, const char *file, const trees_finding *finding, const char *wanted,
    char **path, char **contents, size_t *size);

#endif

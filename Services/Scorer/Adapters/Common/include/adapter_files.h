/* Files of a model's folder. */
#ifndef ADAPTER_FILES_H
#define ADAPTER_FILES_H

#include <slipway_adapter.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Joins a folder with a path inside it; the caller frees it. INVALID_ARGUMENT where the path is absolute, empty or
 * leaves the folder by `..`. Symbolic links are followed: stores and caches of models consist of them. */
slipway_status *adapter_path_join(const slipway_host *host, const char *folder, const char *path, char **joined);

/* Reads a file whole, followed by a zero byte that `size` does not count; the caller frees it. NOT_FOUND with the
 * path, FAILED_PRECONDITION for a folder or where it is larger than `most`. */
slipway_status *adapter_file_read(
    const slipway_host *host, const char *path, uint64_t most, char **contents, size_t *size);

/* Reads the first bytes of a file; the number read, or 0 where that fails. */
size_t adapter_file_head(const char *path, void *buffer, size_t capacity);

/* The size of a regular file; -1 where it is none. */
int64_t adapter_file_size(const char *path);
bool adapter_is_folder(const char *path);

/* Calls `visit` with each regular file of the folder, not of folders below, in the order of their names, until it
 * returns false. Names that begin with a dot are left out. False where the folder can't be read. */
bool adapter_folder_visit(const char *folder, bool (*visit)(void *context, const char *name), void *context);

/* Whether a name ends in an extension, `.json`, whatever the case. */
bool adapter_has_extension(const char *name, const char *extension);

#endif

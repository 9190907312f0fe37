#include "adapter_files.h"

#include "adapter_status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether a path stays below where it starts, whatever `..` it has. */
static bool stays_inside(const char *path) {
    long depth = 0;
    while (*path) {
        size_t size = strcspn(path, "/");
        if (size == 2 && path[0] == '.' && path[1] == '.') {
            if (--depth < 0) return false;
        } else if (size > 0 && !(size == 1 && path[0] == '.')) {
            ++depth;
        }
        path += size;
        while (*path == '/') ++path;
    }
    return true;
}

slipway_status *adapter_path_join(const slipway_host *host, const char *folder, const char *path, char **joined) {
    if (!*path) return adapter_status(host, SLIPWAY_INVALID_ARGUMENT, "the path of a file in %s is empty", folder);
    if (*path == '/' || !stays_inside(path)) {
        return adapter_status(
            host, SLIPWAY_INVALID_ARGUMENT, "`%s` leads out of the model's folder; paths are relative to it", path);
    }
    size_t size = strlen(folder) + 1 + strlen(path) + 1;
    char *result = malloc(size);
    if (!result) return adapter_out_of_memory(host, "a path");
    snprintf(result, size, "%s/%s", folder, path);
    *joined = result;
    return NULL;
}

static slipway_status *read_failed(const slipway_host *host, const char *path, int error) {
    slipway_code code = error == ENOENT || error == ENOTDIR ? SLIPWAY_NOT_FOUND : SLIPWAY_FAILED_PRECONDITION;
    char text[128];
    /* GNU's returns the text; what POSIX's would is not wanted here. */
    const char *message = strerror_r(error, text, sizeof text);
    return adapter_status(host, code, "%s can't be read: %s", path, message);
}

static slipway_status *read_open(
    const slipway_host *host, int file, const char *path, uint64_t most, char **contents, size_t *size) {
    struct stat status;
    if (fstat(file, &status) != 0) return read_failed(host, path, errno);
    if (!S_ISREG(status.st_mode)) {
        return adapter_status(host, SLIPWAY_FAILED_PRECONDITION, "%s is no file", path);
    }
    if ((uint64_t)status.st_size > most) {
        return adapter_status(
            host, SLIPWAY_FAILED_PRECONDITION, "%s has %lld bytes; at most %llu are read", path,
            (long long)status.st_size, (unsigned long long)most);
    }
    size_t capacity = (size_t)status.st_size;
    char *bytes = malloc(capacity + 1);
    if (!bytes) return adapter_out_of_memory(host, path);
    size_t count = 0;
    while (count < capacity) {
        ssize_t got = read(file, bytes + count, capacity - count);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            int error = errno;
            free(bytes);
            return read_failed(host, path, error);
        }
        if (got == 0) break;
        count += (size_t)got;
    }
    bytes[count] = 0;
    *contents = bytes;
    *size = count;
    return NULL;
}

slipway_status *adapter_file_read(
    const slipway_host *host, const char *path, uint64_t most, char **contents, size_t *size) {
    /* Without blocking: a pipe in a model's folder must not hold the load. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return read_failed(host, path, errno);
    slipway_status *status = read_open(host, file, path, most, contents, size);
    close(file);
    return status;
}

size_t adapter_file_head(const char *path, void *buffer, size_t capacity) {
    if (adapter_file_size(path) < 0) return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return 0;
    size_t count = 0;
    while (count < capacity) {
        ssize_t got = read(file, (char *)buffer + count, capacity - count);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        count += (size_t)got;
    }
    close(file);
    return count;
}

int64_t adapter_file_size(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) ? (int64_t)status.st_size : -1;
}

bool adapter_is_folder(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool adapter_folder_visit(const char *folder, bool (*visit)(void *context, const char *name), void *context) {
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) return false;
    bool goes_on = true;
    for (int index = 0; index < count; ++index) {
        const char *name = entries[index]->d_name;
        if (goes_on && *name != '.') {
            char path[4096];
            int size = snprintf(path, sizeof path, "%s/%s", folder, name);
            if (size > 0 && (size_t)size < sizeof path && adapter_file_size(path) >= 0) goes_on = visit(context, name);
        }
        free(entries[index]);
    }
    free(entries);
    return true;
}

bool adapter_has_extension(const char *name, const char *extension) {
    size_t size = strlen(name), tail = strlen(extension);
    return size > tail && !strcasecmp(name + size - tail, extension);
}

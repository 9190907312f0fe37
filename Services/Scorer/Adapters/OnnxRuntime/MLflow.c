#include "MLflow.h"

#include <adapter_files.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 20 };

/* The value of `key: value` in a line from its first character on; NULL where the line has another key. */
static const char *value_of(const char *line, const char *key) {
    size_t size = strlen(key);
    if (strncmp(line, key, size) != 0 || line[size] != ':') return NULL;
    line += size + 1;
    return line + strspn(line, " \t");
}

static char *unquoted(const char *value) {
    size_t size = strcspn(value, "\r");
    while (size > 0 && value[size - 1] == ' ') --size;
    if (size >= 2 && (*value == '"' || *value == '\'') && value[size - 1] == *value) {
        ++value;
        size -= 2;
    }
    return size ? strndup(value, size) : NULL;
}

/* `flavors:` / `onnx:` / `data: …`, each further in than the one before: all that is wanted of the YAML. */
static char *find_data(char *text) {
    long flavours = -1, onnx = -1;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        long indent = (long)strspn(line, " ");
        line += indent;
        if (!*line || *line == '#' || *line == '\r') continue;
        if (onnx >= 0 && indent > onnx) {
            const char *value = value_of(line, "data");
            if (value) return unquoted(value);
            continue;
        }
        onnx = -1;
        if (flavours >= 0 && indent > flavours) {
            if (value_of(line, "onnx")) onnx = indent;
            continue;
        }
        flavours = value_of(line, "flavors") ? indent : -1;
    }
    return NULL;
}

char *mlflow_onnx_path(const char *folder) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/MLmodel", folder);
    if (length < 0 || (size_t)length >= sizeof path) return NULL;
    int64_t size = adapter_file_size(path);
    if (size < 0 || size > MOST_BYTES) return NULL;
    char *contents = calloc(1, (size_t)size + 1);
    if (!contents) return NULL;
    size_t count = adapter_file_head(path, contents, (size_t)size);
    contents[count] = 0;
    char *data = find_data(contents);
    free(contents);
    return data;
}

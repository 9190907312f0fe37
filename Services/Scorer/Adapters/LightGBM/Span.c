#include "Model.h"

#include <string.h>

bool span_line(span *rest, span *line) {
    if (rest->size == 0) return false;
    const char *end = memchr(rest->at, '\n', rest->size);
    size_t size = end ? (size_t)(end - rest->at) : rest->size, step = end ? size + 1 : size;
    *line = (span){rest->at, size};
    if (size > 0 && line->at[size - 1] == '\r') line->size -= 1;
    rest->at += step;
    rest->size -= step;
    return true;
}

bool span_value(span line, const char *name, span *value) {
    size_t size = strlen(name);
    if (line.size <= size || memcmp(line.at, name, size) || line.at[size] != '=') return false;
    *value = (span){line.at + size + 1, line.size - size - 1};
    return true;
}

static void skip_blanks(span *list) {
    while (list->size > 0 && (*list->at == ' ' || *list->at == '\t')) {
        ++list->at;
        --list->size;
    }
}

bool span_number(span *list, double *number) {
    skip_blanks(list);
    if (list->size == 0) return false;
    char *end = NULL;
    /* Stops at the line's end at the latest: the text goes on with a newline or a zero. */
    *number = adapter_number(list->at, &end);
    size_t used = (size_t)(end - list->at);
    if (used == 0 || used > list->size) return false;
    list->at += used;
    list->size -= used;
    return list->size == 0 || *list->at == ' ' || *list->at == '\t';
}

bool span_is_blank(span list) {
    skip_blanks(&list);
    return list.size == 0;
}

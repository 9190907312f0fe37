#include "Model.h"

#include <stdlib.h>
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
    while (list->size > 0 && *list->at == ' ') {
        ++list->at;
        --list->size;
    }
}

/* The next word of a list; empty at its end. */
static span word_of(span *list) {
    skip_blanks(list);
    const char *blank = list->size ? memchr(list->at, ' ', list->size) : NULL;
    span word = {list->at, blank ? (size_t)(blank - list->at) : list->size};
    list->at += word.size;
    list->size -= word.size;
    return word;
}

static size_t digits(const char *at, const char *end) {
    const char *start = at;
    while (at < end && *at >= '0' && *at <= '9') ++at;
    return (size_t)(at - start);
}

static bool is_number(span word) {
    const char *at = word.at, *end = at + word.size;
    if (at < end && (*at == '-' || *at == '+')) ++at;
    if (end - at == 3 && (!memcmp(at, "inf", 3) || !memcmp(at, "nan", 3))) return true;
    size_t whole = digits(at, end);
    if (whole == 0) return false;
    at += whole;
    if (at < end && *at == '.') at += 1 + digits(at + 1, end);
    if (at < end && (*at == 'e' || *at == 'E')) {
        ++at;
        if (at < end && (*at == '-' || *at == '+')) ++at;
        size_t power = digits(at, end);
        if (power == 0) return false;
        at += power;
    }
    return at == end;
}

bool span_number(span *list, double *number) {
    span word = word_of(list);
    if (!is_number(word)) return false;
    /* Stops behind the word: a blank, the line's end or the text's zero follows. */
    *number = adapter_number(word.at, NULL);
    return true;
}

bool span_whole(span *list, int64_t least, int64_t most, int64_t *number) {
    span word = word_of(list);
    size_t sign = word.size > 0 && *word.at == '-';
    if (word.size == sign || word.size > 18 || digits(word.at + sign, word.at + word.size) != word.size - sign) return false;
    int64_t read = strtoll(word.at, NULL, 10);
    *number = read;
    return read >= least && read <= most;
}

bool span_is_list(span list, uint64_t count) {
    for (uint64_t index = 0; index < count; ++index) {
        if (!is_number(word_of(&list))) return false;
    }
    return span_is_blank(list);
}

bool span_is_blank(span list) {
    skip_blanks(&list);
    return list.size == 0;
}

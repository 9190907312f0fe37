#include "adapter_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(adapter_text *text, size_t more) {
    if (text->failed) return false;
    if (more < text->capacity - text->size) return true;
    size_t capacity = text->capacity < 128 ? 128 : text->capacity;
    while (capacity - text->size <= more) {
        if (capacity > (size_t)-1 / 2) {
            text->failed = true;
            return false;
        }
        capacity *= 2;
    }
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void adapter_text_append(adapter_text *text, const void *bytes, size_t size) {
    if (!reserve(text, size)) return;
    if (size) memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = 0;
}

void adapter_text_add(adapter_text *text, const char *string) {
    adapter_text_append(text, string, strlen(string));
}

void adapter_text_format_with(adapter_text *text, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    if (size >= 0 && reserve(text, (size_t)size)) {
        vsnprintf(text->bytes + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
}

void adapter_text_format(adapter_text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    adapter_text_format_with(text, format, arguments);
    va_end(arguments);
}

const char *adapter_text_string(const adapter_text *text) {
    return text->bytes ? text->bytes : "";
}

void adapter_text_free(adapter_text *text) {
    free(text->bytes);
    *text = (adapter_text){0};
}

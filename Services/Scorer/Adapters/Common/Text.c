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

/* Bytes of the scalar that begins here; 0 where none does. */
static size_t scalar_size(const unsigned char *at) {
    if (at[0] < 0x80) return 1;
    size_t size = at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;
    /* The text's zero is no continuation, so that this stops in time. */
    for (size_t index = 1; index < size; ++index) {
        if ((at[index] & 0xc0) != 0x80) return 0;
    }
    bool is_overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool is_surrogate = at[0] == 0xed && at[1] >= 0xa0;
    bool is_beyond = at[0] == 0xf4 && at[1] >= 0x90;
    return is_overlong || is_surrogate || is_beyond ? 0 : size;
}

void adapter_text_repair(char *string) {
    unsigned char *at = (unsigned char *)string;
    while (*at) {
        size_t size = scalar_size(at);
        if (size == 0) *at = '?';
        at += size ? size : 1;
    }
}

void adapter_text_free(adapter_text *text) {
    free(text->bytes);
    *text = (adapter_text){0};
}

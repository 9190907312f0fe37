/* Text that grows. Memory running out is remembered rather than reported at each step. */
#ifndef ADAPTER_TEXT_H
#define ADAPTER_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct adapter_text {
    char *bytes; /* zero-terminated; NULL before the first append */
    size_t size;
    size_t capacity;
    bool failed; /* memory ran out: the text is incomplete */
} adapter_text;

/* Starts as `adapter_text text = {0}`; ends with adapter_text_free. */
void adapter_text_append(adapter_text *text, const void *bytes, size_t size);
void adapter_text_add(adapter_text *text, const char *string);
void adapter_text_format(adapter_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void adapter_text_format_with(adapter_text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Puts a question mark in the place of each byte that is of no UTF-8: models have names of any bytes. */
void adapter_text_repair(char *bytes, size_t size);

/* Whether there is nothing to repair. */
bool adapter_text_is_utf8(const char *bytes, size_t size);

/* The text so far, never NULL; valid until the next change. */
const char *adapter_text_string(const adapter_text *text);

void adapter_text_free(adapter_text *text);

#endif

/* Fields of protobuf messages in a file, read through a window.
 *
 * ONNX files may be larger than memory and come from anywhere; what is looked for in them is small. */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_WINDOW = 1 << 16 };

typedef struct Wire {
    int file;
    uint64_t size;         /* of the file */
    uint64_t window_start; /* offset of the window's first byte */
    size_t window_size;
    bool failed;           /* the file could not be read; everything after it fails too */
    uint8_t window[WIRE_WINDOW];
} Wire;

/* A part of the file: a message, or what is left of it. */
typedef struct WirePart {
    uint64_t at;
    uint64_t end;
} WirePart;

typedef struct WireField {
    uint32_t number;
    uint32_t kind;     /* 0 varint, 1 eight bytes, 2 bytes, 5 four bytes */
    uint64_t value;    /* of a varint */
    WirePart contents; /* of bytes */
    uint64_t start;    /* where the field begins, for messages */
} WireField;

typedef enum WireStep { WIRE_FIELD, WIRE_END, WIRE_BROKEN } WireStep;

/* Takes the next field of a part. WIRE_BROKEN leaves `part->at` where the field begins that can't be one. */
WireStep wire_next(Wire *wire, WirePart *part, WireField *field);

/* Takes a varint of a packed field. */
bool wire_varint(Wire *wire, WirePart *part, uint64_t *value);

/* Copies bytes out, with a zero at the end; NULL where memory runs out, or where they are more than `most`. */
char *wire_text(Wire *wire, WirePart contents, size_t most);

/* Whether the bytes are those of `text`. */
bool wire_is(Wire *wire, WirePart contents, const char *text);

#endif

#include "Wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Makes the byte at an offset part of the window. */
static bool reach(Wire *wire, uint64_t at) {
    if (at >= wire->window_start && at - wire->window_start < wire->window_size) return true;
    if (wire->failed || at >= wire->size) return false;
    ssize_t count;
    do {
        count = pread(wire->file, wire->window, sizeof wire->window, (off_t)at);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) {
        wire->failed = true;
        wire->window_size = 0;
        return false;
    }
    wire->window_start = at;
    wire->window_size = (size_t)count;
    return true;
}

static bool copy(Wire *wire, WirePart part, char *into) {
    while (part.at < part.end) {
        if (!reach(wire, part.at)) return false;
        size_t skipped = (size_t)(part.at - wire->window_start);
        size_t count = wire->window_size - skipped;
        if (count > part.end - part.at) count = (size_t)(part.end - part.at);
        memcpy(into, wire->window + skipped, count);
        into += count;
        part.at += count;
    }
    return true;
}

bool wire_varint(Wire *wire, WirePart *part, uint64_t *value) {
    uint64_t result = 0;
    uint64_t at = part->at;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (at >= part->end || !reach(wire, at)) return false;
        uint8_t byte = wire->window[at++ - wire->window_start];
        result |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            part->at = at;
            *value = result;
            return true;
        }
    }
    return false;
}

WireStep wire_next(Wire *wire, WirePart *part, WireField *field) {
    if (part->at >= part->end) return WIRE_END;
    WirePart rest = *part;
    uint64_t tag, size = 0;
    if (!wire_varint(wire, &rest, &tag) || tag > UINT32_MAX || tag >> 3 == 0) return WIRE_BROKEN;
    *field = (WireField){.number = (uint32_t)(tag >> 3), .kind = tag & 7, .start = part->at};
    switch (field->kind) {
    case 0:
        if (!wire_varint(wire, &rest, &field->value)) return WIRE_BROKEN;
        break;
    case 1: size = 8; break;
    case 2:
        if (!wire_varint(wire, &rest, &size)) return WIRE_BROKEN;
        break;
    case 5: size = 4; break;
    default: return WIRE_BROKEN;
    }
    if (size > rest.end - rest.at) return WIRE_BROKEN;
    field->contents = (WirePart){rest.at, rest.at + size};
    part->at = rest.at + size;
    return WIRE_FIELD;
}

char *wire_text(Wire *wire, WirePart contents, size_t most) {
    if (contents.end - contents.at > most) return NULL;
    size_t size = (size_t)(contents.end - contents.at);
    char *text = malloc(size + 1);
    if (!text) return NULL;
    if (!copy(wire, contents, text)) {
        free(text);
        return NULL;
    }
    text[size] = 0;
    return text;
}

bool wire_is(Wire *wire, WirePart contents, const char *text) {
    char small[64];
    size_t size = strlen(text);
    if (contents.end - contents.at != size || size > sizeof small) return false;
    return copy(wire, contents, small) && !memcmp(small, text, size);
}

/* The walk through an ONNX file; see OnnxFile.h. */
#ifndef ONNX_READING_H
#define ONNX_READING_H

#include "OnnxFile.h"
#include "Wire.h"

/* The walk so far. Functions return false once `refusal` says why it ended. */
typedef struct Reading {
    const slipway_host *host;
    const char *path;
    OnnxFile *file;
    slipway_status *refusal;
    char **locations; /* of weights outside of the file, in the order met */
    size_t location_count, location_capacity;
    Wire wire;
} Reading;

/* Numbers of fields, of onnx.proto. */
enum { NODE_OUTPUT = 2, NODE_OPERATOR = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_TENSOR = 5, ATTRIBUTE_GRAPH = 6, ATTRIBUTE_INTEGERS = 8, ATTRIBUTE_STRINGS = 9,
       ATTRIBUTE_TENSORS = 10, ATTRIBUTE_GRAPHS = 11, ATTRIBUTE_SPARSE = 22, ATTRIBUTE_SPARSES = 23 };

/* Goes through the fields of a part. */
#define EACH_FIELD(reading, part, field) \
    for (WireStep step; (step = wire_next(&(reading)->wire, &(part), &(field))) != WIRE_END;) \
        if (step == WIRE_BROKEN) return reading_broken(reading, (part).at); else

static inline bool is_message(const WireField *field, uint32_t number) {
    return field->number == number && field->kind == 2;
}

/* The ways to end a walk; each returns false. */
bool reading_refuse(Reading *reading, slipway_status *status);
bool reading_broken(Reading *reading, uint64_t at);
bool reading_out_of_memory(Reading *reading);

/* Copies a name out; NULL, and the walk is over, where it is too long. */
char *reading_text(Reading *reading, WirePart contents);

/* The same for words that are shown to people, and need not be what they are. */
char *reading_words(Reading *reading, WirePart contents);

bool reading_model(Reading *reading);

/* The names of the classes that a node makes maps of. */
bool reading_classes(Reading *reading, WirePart node);

#endif

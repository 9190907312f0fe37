#include "OnnxReading.h"

#include <adapter_text.h>

#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 1 << 16 };

static bool add_class(Reading *reading, OnnxClasses *classes, char *name) {
    if (!name) return reading->refusal ? false : reading_out_of_memory(reading);
    if ((classes->count & (classes->count - 1)) == 0) {
        char **grown = realloc(classes->names, (classes->count ? classes->count * 2 : 1) * sizeof *grown);
        if (!grown || classes->count >= MOST_CLASSES) {
            if (grown) classes->names = grown;
            free(name);
            return reading_out_of_memory(reading);
        }
        classes->names = grown;
    }
    classes->names[classes->count++] = name;
    return true;
}

static bool add_class_number(Reading *reading, OnnxClasses *classes, uint64_t value) {
    adapter_text number = {0};
    adapter_text_format(&number, "%lld", (long long)(int64_t)value);
    char *name = strdup(adapter_text_string(&number));
    adapter_text_free(&number);
    return add_class(reading, classes, name);
}

static bool read_class_attribute(Reading *reading, WirePart part, OnnxClasses *classes) {
    WireField field;
    bool are_classes = false;
    WirePart again = part;
    EACH_FIELD(reading, part, field) {
        if (!is_message(&field, ATTRIBUTE_NAME)) continue;
        are_classes = wire_is(&reading->wire, field.contents, "classlabels_int64s")
            || wire_is(&reading->wire, field.contents, "classlabels_strings");
    }
    if (!are_classes) return true;
    EACH_FIELD(reading, again, field) {
        if (is_message(&field, ATTRIBUTE_STRINGS)) {
            if (!add_class(reading, classes, reading_words(reading, field.contents))) return false;
        } else if (is_message(&field, ATTRIBUTE_INTEGERS)) {
            for (uint64_t value; field.contents.at < field.contents.end;) {
                if (!wire_varint(&reading->wire, &field.contents, &value))
                    return reading_broken(reading, field.contents.at);
                if (!add_class_number(reading, classes, value)) return false;
            }
        } else if (field.number == ATTRIBUTE_INTEGERS && field.kind == 0) {
            if (!add_class_number(reading, classes, field.value)) return false;
        }
    }
    return true;
}

bool reading_classes(Reading *reading, WirePart part) {
    OnnxClasses *classes = calloc(1, sizeof *classes);
    if (!classes) return reading_out_of_memory(reading);
    classes->next = reading->file->classes;
    reading->file->classes = classes;
    WireField field;
    EACH_FIELD(reading, part, field) {
        if (is_message(&field, NODE_OUTPUT) && !classes->output) {
            if (!(classes->output = reading_text(reading, field.contents))) return false;
        } else if (is_message(&field, NODE_ATTRIBUTE)) {
            if (!read_class_attribute(reading, field.contents, classes)) return false;
        }
    }
    return true;
}

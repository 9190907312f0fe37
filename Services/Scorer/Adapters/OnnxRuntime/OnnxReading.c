#include "OnnxReading.h"

#include <adapter_status.h>
#include <adapter_text.h>

#include <stdlib.h>
#include <string.h>

/* More numbers of fields. */
enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7, MODEL_OPSET = 8,
       MODEL_TRAINING = 20, MODEL_FUNCTION = 25 };
enum { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12,
       GRAPH_SPARSE_INITIALIZER = 15 };
enum { TENSOR_EXTERNAL_DATA = 13 };
enum { ENTRY_KEY = 1, ENTRY_VALUE = 2 };
enum { VALUE_NAME = 1, VALUE_TYPE = 2, TYPE_TENSOR = 1, TENSOR_SHAPE = 2 };
enum { FUNCTION_NODE = 7, FUNCTION_ATTRIBUTE = 11 };

/* Deeper than any model is, and far less than the stack holds. */
enum { DEEPEST = 64 };
enum { MOST_NAME = 1 << 16 };

bool reading_refuse(Reading *reading, slipway_status *status) {
    reading->refusal = status;
    return false;
}

bool reading_broken(Reading *reading, uint64_t at) {
    return reading_refuse(
        reading, adapter_status(
                     reading->host, SLIPWAY_FAILED_PRECONDITION,
                     "%s is no ONNX model, or is damaged: what stands at byte %llu of %llu is no field of one",
                     reading->path, (unsigned long long)at, (unsigned long long)reading->wire.size));
}

bool reading_out_of_memory(Reading *reading) {
    return reading_refuse(reading, adapter_out_of_memory(reading->host, "the description of an ONNX model"));
}

char *reading_text(Reading *reading, WirePart contents) {
    char *text = wire_text(&reading->wire, contents, MOST_NAME);
    if (!text) reading_broken(reading, contents.at);
    return text;
}

char *reading_words(Reading *reading, WirePart contents) {
    char *words = reading_text(reading, contents);
    if (words) adapter_text_repair(words, strlen(words));
    return words;
}

static bool add_location(Reading *reading, char *location) {
    size_t count = reading->location_count;
    if (count && !strcmp(reading->locations[count - 1], location)) {
        free(location);
        return true;
    }
    if (count == reading->location_capacity) {
        size_t capacity = count ? count * 2 : 8;
        char **grown = realloc(reading->locations, capacity * sizeof *grown);
        if (!grown) {
            free(location);
            return reading_out_of_memory(reading);
        }
        reading->locations = grown;
        reading->location_capacity = capacity;
    }
    reading->locations[reading->location_count++] = location;
    return true;
}

static bool read_tensor(Reading *reading, WirePart part) {
    WireField field, member;
    EACH_FIELD(reading, part, field) {
        if (!is_message(&field, TENSOR_EXTERNAL_DATA)) continue;
        bool is_location = false;
        WirePart value = {0, 0}, entry = field.contents;
        EACH_FIELD(reading, entry, member) {
            if (is_message(&member, ENTRY_KEY)) is_location = wire_is(&reading->wire, member.contents, "location");
            if (is_message(&member, ENTRY_VALUE)) value = member.contents;
        }
        if (!is_location) continue;
        char *location = reading_text(reading, value);
        if (!location) return false;
        bool is_plain = strlen(location) == value.end - value.at;
        if (!is_plain) free(location);
        if (!is_plain) return reading_broken(reading, value.at);
        if (!add_location(reading, location)) return false;
    }
    return true;
}

/* A sparse tensor: its members that have members are tensors. */
static bool read_sparse(Reading *reading, WirePart part) {
    WireField field;
    EACH_FIELD(reading, part, field) {
        if ((field.number == 1 || field.number == 2) && field.kind == 2 && !read_tensor(reading, field.contents))
            return false;
    }
    return true;
}

static bool read_graph(Reading *reading, WirePart part, int depth);

static bool read_attribute(Reading *reading, WirePart part, int depth) {
    WireField field;
    EACH_FIELD(reading, part, field) {
        if (field.kind != 2) continue;
        bool good = true;
        switch (field.number) {
        case ATTRIBUTE_TENSOR:
        case ATTRIBUTE_TENSORS: good = read_tensor(reading, field.contents); break;
        case ATTRIBUTE_SPARSE:
        case ATTRIBUTE_SPARSES: good = read_sparse(reading, field.contents); break;
        case ATTRIBUTE_GRAPH:
        case ATTRIBUTE_GRAPHS: good = read_graph(reading, field.contents, depth + 1); break;
        default: break;
        }
        if (!good) return false;
    }
    return true;
}

static bool read_node(Reading *reading, WirePart part, int depth) {
    WireField field;
    WirePart again = part;
    bool makes_maps = false;
    EACH_FIELD(reading, part, field) {
        if (is_message(&field, NODE_OPERATOR)) makes_maps = wire_is(&reading->wire, field.contents, "ZipMap");
        if (is_message(&field, NODE_ATTRIBUTE) && !read_attribute(reading, field.contents, depth)) return false;
    }
    return !makes_maps || depth > 0 || reading_classes(reading, again);
}

/* Remembers a tensor that has a type, and not even a rank in it. */
static bool read_value(Reading *reading, WirePart part) {
    WireField field, type, member;
    WirePart name = {0, 0};
    bool is_tensor = false, has_shape = false;
    EACH_FIELD(reading, part, field) {
        if (is_message(&field, VALUE_NAME)) name = field.contents;
        if (!is_message(&field, VALUE_TYPE)) continue;
        EACH_FIELD(reading, field.contents, type) {
            if (!is_message(&type, TYPE_TENSOR)) continue;
            is_tensor = true;
            EACH_FIELD(reading, type.contents, member) {
                if (is_message(&member, TENSOR_SHAPE)) has_shape = true;
            }
        }
    }
    if (!is_tensor || has_shape) return true;
    OnnxName *shapeless = calloc(1, sizeof *shapeless);
    if (!shapeless) return reading_out_of_memory(reading);
    shapeless->next = reading->file->shapeless;
    reading->file->shapeless = shapeless;
    return (shapeless->name = reading_text(reading, name)) != NULL;
}

static bool read_graph(Reading *reading, WirePart part, int depth) {
    if (depth > DEEPEST) {
        return reading_refuse(
            reading, adapter_status(
                         reading->host, SLIPWAY_FAILED_PRECONDITION, "%s nests graphs more than %d deep",
                         reading->path, DEEPEST));
    }
    WireField field;
    EACH_FIELD(reading, part, field) {
        if (field.kind != 2) continue;
        bool good = true;
        switch (field.number) {
        case GRAPH_NODE: good = read_node(reading, field.contents, depth); break;
        case GRAPH_INITIALIZER: good = read_tensor(reading, field.contents); break;
        case GRAPH_SPARSE_INITIALIZER: good = read_sparse(reading, field.contents); break;
        case GRAPH_INPUT:
        case GRAPH_OUTPUT: good = depth > 0 || read_value(reading, field.contents); break;
        case GRAPH_NAME:
            if (depth > 0 || reading->file->graph) break;
            reading->file->graph = reading_words(reading, field.contents);
            good = reading->file->graph != NULL;
            break;
        default: break;
        }
        if (!good) return false;
    }
    return true;
}

static bool read_function(Reading *reading, WirePart part) {
    WireField field;
    EACH_FIELD(reading, part, field) {
        if (is_message(&field, FUNCTION_NODE) && !read_node(reading, field.contents, 1)) return false;
        if (is_message(&field, FUNCTION_ATTRIBUTE) && !read_attribute(reading, field.contents, 1)) return false;
    }
    return true;
}

static bool read_training(Reading *reading, WirePart part) {
    WireField field;
    EACH_FIELD(reading, part, field) {
        if ((field.number == 1 || field.number == 2) && field.kind == 2 && !read_graph(reading, field.contents, 1))
            return false;
    }
    return true;
}

static bool read_opset(Reading *reading, WirePart part, adapter_text *opsets) {
    WireField field;
    uint64_t version = 0;
    char *domain = NULL;
    EACH_FIELD(reading, part, field) {
        if (field.number == OPSET_VERSION && field.kind == 0) version = field.value;
        if (is_message(&field, OPSET_DOMAIN)) {
            free(domain);
            if (!(domain = reading_words(reading, field.contents))) return false;
        }
    }
    bool is_standard = !domain || !*domain || !strcmp(domain, "ai.onnx");
    if (is_standard) reading->file->opset = (int64_t)version;
    adapter_text_format(
        opsets, "%s%s %lld", opsets->size ? ", " : "", is_standard ? "ai.onnx" : domain, (long long)version);
    free(domain);
    return true;
}

static bool read_model(Reading *reading, adapter_text *producer, adapter_text *opsets) {
    WirePart part = {0, reading->wire.size};
    WireField field;
    bool has_graph = false;
    EACH_FIELD(reading, part, field) {
        bool good = true;
        if (field.number == MODEL_IR_VERSION && field.kind == 0) reading->file->ir_version = (int64_t)field.value;
        if (field.kind != 2) continue;
        switch (field.number) {
        case MODEL_PRODUCER:
        case MODEL_PRODUCER_VERSION: {
            char *words = reading_words(reading, field.contents);
            good = words != NULL;
            if (good && *words) adapter_text_format(producer, "%s%s", producer->size ? " " : "", words);
            free(words);
            break;
        }
        case MODEL_GRAPH:
            has_graph = true;
            good = read_graph(reading, field.contents, 0);
            break;
        case MODEL_OPSET: good = read_opset(reading, field.contents, opsets); break;
        case MODEL_TRAINING: good = read_training(reading, field.contents); break;
        case MODEL_FUNCTION: good = read_function(reading, field.contents); break;
        default: break;
        }
        if (!good) return false;
    }
    if (has_graph && reading->file->ir_version > 0) return true;
    return reading_refuse(
        reading, adapter_status(
                     reading->host, SLIPWAY_FAILED_PRECONDITION, "%s is no ONNX model: it has no %s", reading->path,
                     has_graph ? "version" : "graph"));
}

bool reading_model(Reading *reading) {
    adapter_text producer = {0}, opsets = {0};
    bool good = read_model(reading, &producer, &opsets);
    reading->file->producer = producer.size ? strdup(adapter_text_string(&producer)) : NULL;
    reading->file->opsets = strdup(adapter_text_string(&opsets));
    adapter_text_free(&producer);
    adapter_text_free(&opsets);
    return good && (reading->file->opsets || reading_out_of_memory(reading));
}

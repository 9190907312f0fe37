#include "Document.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *keep(reader *reader, void *block) {
    document *document = reader->document;
    if (block && document->block_count == document->block_capacity) {
        size_t capacity = document->block_capacity ? document->block_capacity * 2 : 64;
        void **blocks = realloc(document->blocks, capacity * sizeof *blocks);
        if (!blocks) {
            free(block);
            block = NULL;
        } else {
            document->blocks = blocks;
            document->block_capacity = capacity;
        }
    }
    if (!block) {
        reader->out_of_memory = true;
        return NULL;
    }
    document->blocks[document->block_count++] = block;
    return block;
}

void *document_allocate(reader *reader, size_t size) {
    document *document = reader->document;
    size = (size + 15) & ~(size_t)15;
    if (size > 1024) return keep(reader, malloc(size));
    if (size > document->room_size) {
        document->room_size = 0;
        document->room = keep(reader, malloc(65536));
        if (!document->room) return NULL;
        document->room_size = 65536;
    }
    void *allocated = document->room;
    document->room += size;
    document->room_size -= size;
    return allocated;
}

const char *document_text(reader *reader, const char *bytes, size_t size) {
    char *text = document_allocate(reader, size + 1);
    if (!text) return NULL;
    memcpy(text, bytes, size);
    text[size] = 0;
    return text;
}

bool document_append(reader *reader, void **array, size_t count, size_t *capacity, size_t element) {
    if (count < *capacity) return true;
    size_t grown = *capacity ? *capacity * 2 : 8;
    void *moved = document_allocate(reader, grown * element);
    if (!moved) return false;
    if (count) memcpy(moved, *array, count * element);
    *array = moved;
    *capacity = grown;
    return true;
}

bool document_fail(reader *reader, const char *problem) {
    if (!reader->problem) reader->problem = problem;
    return false;
}

bool document_skips(const char *name) {
    static const char *const names[] = {"loss_changes", "sum_hessian", "base_weights", NULL};
    for (const char *const *skipped = names; *skipped; ++skipped) {
        if (!strcmp(name, *skipped)) return true;
    }
    return false;
}

bool document_is_ubjson(const char *bytes, size_t size) {
    /* A member's name begins with its length's type; in JSON with a quote or with what separates. */
    return size > 1 && bytes[0] == '{' && memchr("iUIlLC$#", bytes[1], 8) != NULL;
}

slipway_status *document_read(
    const slipway_host *host, const char *path, const char *bytes, size_t size, document *document) {
    *document = (struct document){0};
    reader reader = {.document = document, .start = bytes, .at = bytes, .end = bytes + size};
    bool is_ubjson = document_is_ubjson(bytes, size);
    bool read = is_ubjson ? document_read_ubjson(&reader, &document->root) : document_read_json(&reader, &document->root);
    if (read && reader.at < reader.end) read = document_fail(&reader, "something follows the end of the document");
    if (read) return NULL;
    document_free(document);
    if (reader.out_of_memory) return adapter_out_of_memory(host, path);
    return adapter_status(
        host, SLIPWAY_FAILED_PRECONDITION, "%s is no valid %s: at byte %zu of %zu: %s", path,
        is_ubjson ? "UBJSON" : "JSON", (size_t)(reader.at - bytes), size,
        reader.problem ? reader.problem : "it ends too early");
}

void document_free(document *document) {
    for (size_t index = 0; index < document->block_count; ++index) free(document->blocks[index]);
    free(document->blocks);
    *document = (struct document){0};
}

const value *value_member(const value *object, const char *name) {
    if (!object || object->kind != value_object) return NULL;
    for (size_t index = 0; index < object->count; ++index) {
        if (!strcmp(object->members[index].name, name)) return &object->members[index].value;
    }
    return NULL;
}

const char *value_text_of(const value *object, const char *name) {
    const value *found = value_member(object, name);
    return found && found->kind == value_text ? found->text : NULL;
}

const value *value_numbers_of(const value *object, const char *name) {
    const value *found = value_member(object, name);
    return found && found->kind == value_numbers ? found : NULL;
}

bool value_integer_of(const value *object, const char *name, int64_t least, int64_t most, int64_t *number) {
    const value *found = value_member(object, name);
    if (!found) return false;
    int64_t parsed;
    if (found->kind == value_number && found->number == floor(found->number) && fabs(found->number) < 0x1p53) {
        parsed = (int64_t)found->number;
    } else if (found->kind == value_text && found->count > 0) {
        char *end = NULL;
        errno = 0;
        parsed = strtoll(found->text, &end, 10);
        if (*end || errno) return false;
    } else {
        return false;
    }
    if (parsed < least || parsed > most) return false;
    *number = parsed;
    return true;
}

/* A document of XGBoost's, JSON or UBJSON: values in memory of the document's own. */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include "adapter_common.h"

typedef enum value_kind {
    value_null,
    value_flag,
    value_number,
    value_text,
    value_list,    /* of anything but numbers */
    value_numbers, /* also what an empty list is */
    value_object,
    value_skipped, /* large and of no use here: checked, and not kept */
} value_kind;

typedef struct value value;
typedef struct member member;

struct value {
    value_kind kind;
    size_t count; /* elements, members or bytes of a text */
    union {
        bool flag;
        double number;
        const char *text; /* zero-terminated */
        value *items;
        double *numbers;
        member *members;
    };
};

struct member {
    const char *name;
    value value;
};

typedef struct document {
    value root;
    void **blocks; /* all memory */
    size_t block_count, block_capacity;
    char *room; /* what is left of the last small block */
    size_t room_size;
} document;

/* Where reading stands, and what was wrong. */
typedef struct reader {
    document *document;
    const char *start, *at, *end;
    unsigned depth;
    bool skips;
    const char *problem;
    bool out_of_memory;
} reader;

/* No model nests deeper; what reads after us recurses. */
#define DEPTH_MOST 48

/* Reads a whole document. FAILED_PRECONDITION with the offset of what is wrong. The caller releases the document, of
 * which texts do not point into `bytes`. */
slipway_status *document_read(
    const slipway_host *host, const char *path, const char *bytes, size_t size, document *document);
void document_free(document *document);

/* Whether the bytes are UBJSON rather than JSON; both begin with a brace. */
bool document_is_ubjson(const char *bytes, size_t size);

bool document_read_json(reader *reader, value *value);
bool document_read_ubjson(reader *reader, value *value);

/* Of the readers: memory of the document, lists that grow, and an end with a problem. */
void *document_allocate(reader *reader, size_t size);
const char *document_text(reader *reader, const char *bytes, size_t size);
bool document_append(reader *reader, void **array, size_t count, size_t *capacity, size_t element);
bool document_fail(reader *reader, const char *problem);
bool document_skips(const char *name);

/* A member of an object, or NULL; also where the value is NULL or no object. */
const value *value_member(const value *object, const char *name);

/* A member's text, or NULL. */
const char *value_text_of(const value *object, const char *name);

/* A member that is a list of numbers, or NULL. */
const value *value_numbers_of(const value *object, const char *name);

/* A member that is a whole number, or a text of one, as XGBoost writes parameters; false where it is neither, or not
 * within the bounds. */
bool value_integer_of(const value *object, const char *name, int64_t least, int64_t most, int64_t *number);

#endif

#include "Document.h"

#include <string.h>

static size_t left(const reader *reader) {
    return (size_t)(reader->end - reader->at);
}

/* Bytes of a number of a type; 0 where it is no number's. */
static size_t width(char type) {
    switch (type) {
    case 'i':
    case 'U':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

/* A number of a type, big-endian; there are enough bytes. */
static double decode(char type, const char *bytes) {
    uint64_t bits = 0;
    for (size_t index = 0; index < width(type); ++index) bits = bits << 8 | (unsigned char)bytes[index];
    uint32_t half = (uint32_t)bits;
    float single;
    double value;
    switch (type) {
    case 'i':
        return (int8_t)bits;
    case 'I':
        return (int16_t)bits;
    case 'l':
        return (int32_t)bits;
    case 'L':
        return (double)(int64_t)bits;
    case 'd':
        memcpy(&single, &half, sizeof single);
        return single;
    case 'D':
        memcpy(&value, &bits, sizeof value);
        return value;
    default:
        return (double)bits;
    }
}

static bool take_type(reader *reader, char *type) {
    /* `N` stands for nothing. */
    do {
        if (reader->at >= reader->end) return document_fail(reader, "it ends too early");
        *type = *reader->at++;
    } while (*type == 'N');
    return true;
}

static bool take_number(reader *reader, char type, double *number) {
    size_t size = width(type);
    if (size == 0) return document_fail(reader, "a number is expected");
    if (left(reader) < size) return document_fail(reader, "it ends in a number");
    *number = decode(type, reader->at);
    reader->at += size;
    return true;
}

/* A count, of elements that take at least `least` bytes each. */
static bool take_count(reader *reader, size_t least, size_t *count) {
    char type;
    double number;
    if (!take_type(reader, &type) || type == 'd' || type == 'D') return document_fail(reader, "a count is expected");
    if (!take_number(reader, type, &number)) return false;
    if (number < 0 || number > (double)(left(reader) / (least ? least : 1))) {
        return document_fail(reader, "a count is larger than what is left");
    }
    *count = (size_t)number;
    return true;
}

static bool take_text(reader *reader, const char **text, size_t *size) {
    if (!take_count(reader, 1, size)) return false;
    if (memchr(reader->at, 0, *size)) return document_fail(reader, "a zero character in a text");
    *text = document_text(reader, reader->at, *size);
    reader->at += *size;
    return *text != NULL;
}

static bool read_typed(reader *reader, char type, value *value);

static bool read_numbers(reader *reader, char type, size_t count, value *value) {
    *value = (struct value){.kind = value_numbers, .count = count};
    size_t size = width(type);
    if (!reader->skips) {
        value->numbers = document_allocate(reader, count * sizeof *value->numbers);
        if (!value->numbers) return false;
        for (size_t index = 0; index < count; ++index) value->numbers[index] = decode(type, reader->at + index * size);
    }
    reader->at += count * size;
    return true;
}

/* A list whose elements say their types: of numbers, or of anything else. */
static bool read_elements(reader *reader, bool is_counted, size_t count, value *value) {
    *value = (struct value){.kind = value_numbers};
    size_t capacity = 0;
    for (;;) {
        if (is_counted && value->count == count) return true;
        char type;
        if (!take_type(reader, &type)) return false;
        if (!is_counted && type == ']') return true;
        bool is_number = width(type) > 0;
        if (value->count == 0 && !is_number) value->kind = value_list;
        if (is_number != (value->kind == value_numbers)) return document_fail(reader, "a list of numbers and others");
        size_t element = is_number ? sizeof(double) : sizeof(struct value);
        void **array = is_number ? (void **)&value->numbers : (void **)&value->items;
        if (!document_append(reader, array, value->count, &capacity, element)) return false;
        bool read = is_number ? take_number(reader, type, &value->numbers[value->count])
                              : read_typed(reader, type, &value->items[value->count]);
        if (!read) return false;
        value->count += 1;
    }
}

static bool read_list(reader *reader, value *value) {
    char type = 0;
    size_t count = 0;
    if (left(reader) > 1 && *reader->at == '$') {
        type = reader->at[1];
        reader->at += 2;
        if (width(type) == 0) return document_fail(reader, "a list of one type that is no number's");
        if (left(reader) == 0 || *reader->at != '#') return document_fail(reader, "a list of one type has no count");
    }
    if (left(reader) == 0 || *reader->at != '#') return read_elements(reader, false, 0, value);
    reader->at += 1;
    if (!take_count(reader, width(type), &count)) return false;
    return type ? read_numbers(reader, type, count, value) : read_elements(reader, true, count, value);
}

static bool read_object(reader *reader, value *value) {
    *value = (struct value){.kind = value_object};
    size_t capacity = 0, count = SIZE_MAX;
    if (left(reader) > 0 && *reader->at == '$') return document_fail(reader, "an object of values of one type");
    if (left(reader) > 0 && *reader->at == '#') {
        reader->at += 1;
        if (!take_count(reader, 2, &count)) return false;
    }
    while (value->count < count) {
        if (left(reader) == 0) return document_fail(reader, "it ends in an object");
        if (count == SIZE_MAX && *reader->at == '}') {
            reader->at += 1;
            return true;
        }
        if (!document_append(reader, (void **)&value->members, value->count, &capacity, sizeof *value->members)) {
            return false;
        }
        member *member = &value->members[value->count];
        size_t size;
        char type;
        if (!take_text(reader, &member->name, &size) || !take_type(reader, &type)) return false;
        bool skips = reader->skips;
        reader->skips = skips || document_skips(member->name);
        if (!read_typed(reader, type, &member->value)) return false;
        if (reader->skips) member->value.kind = value_skipped;
        reader->skips = skips;
        value->count += 1;
    }
    return true;
}

static bool read_any(reader *reader, char type, value *value) {
    *value = (struct value){.kind = value_null};
    switch (type) {
    case '{':
        return read_object(reader, value);
    case '[':
        return read_list(reader, value);
    case 'S':
        value->kind = value_text;
        return take_text(reader, &value->text, &value->count);
    case 'Z':
        return true;
    case 'T':
    case 'F':
        value->kind = value_flag;
        value->flag = type == 'T';
        return true;
    default:
        value->kind = value_number;
        return take_number(reader, type, &value->number);
    }
}

static bool read_typed(reader *reader, char type, value *value) {
    if (++reader->depth > DEPTH_MOST) return document_fail(reader, "it nests too deep");
    bool read = read_any(reader, type, value);
    --reader->depth;
    return read;
}

bool document_read_ubjson(reader *reader, value *value) {
    char type;
    return take_type(reader, &type) && read_typed(reader, type, value);
}

#include "Document.h"

#include <math.h>
#include <string.h>

static void skip_space(reader *reader) {
    while (reader->at < reader->end && memchr(" \n\r\t", *reader->at, 4)) ++reader->at;
}

static bool take(reader *reader, char wanted) {
    if (reader->at >= reader->end || *reader->at != wanted) return false;
    ++reader->at;
    return true;
}

static bool take_word(reader *reader, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size)) return false;
    reader->at += size;
    return true;
}

static int hexadecimal(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

static bool read_unit(reader *reader, uint32_t *unit) {
    *unit = 0;
    for (int index = 0; index < 4; ++index) {
        int digit = reader->at < reader->end ? hexadecimal(*reader->at) : -1;
        if (digit < 0) return document_fail(reader, "\\u needs four hexadecimal digits");
        *unit = *unit << 4 | (uint32_t)digit;
        ++reader->at;
    }
    return true;
}

static size_t put_scalar(uint32_t scalar, char *out) {
    if (scalar < 0x80) {
        out[0] = (char)scalar;
        return 1;
    }
    size_t count = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
    for (size_t index = count - 1; index > 0; --index) {
        out[index] = (char)(0x80 | (scalar & 0x3f));
        scalar >>= 6;
    }
    out[0] = (char)(0xf00 >> count | scalar);
    return count;
}

/* An escape after its backslash. */
static bool read_escape(reader *reader, char *out, size_t *count) {
    static const char *const plain = "\"\\/bfnrt", *const meant = "\"\\/\b\f\n\r\t";
    if (reader->at >= reader->end) return false;
    char kind = *reader->at++;
    if (kind != 'u') {
        const char *found = kind ? strchr(plain, kind) : NULL;
        if (!found) return document_fail(reader, "an escape that JSON does not have");
        out[(*count)++] = meant[found - plain];
        return true;
    }
    uint32_t unit, low;
    if (!read_unit(reader, &unit)) return false;
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (!take_word(reader, "\\u") || !read_unit(reader, &low) || low < 0xdc00 || low > 0xdfff) {
            return document_fail(reader, "half of a surrogate pair");
        }
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    } else if (unit >= 0xdc00 && unit < 0xe000) {
        return document_fail(reader, "half of a surrogate pair");
    }
    if (unit == 0) return document_fail(reader, "a zero character in a text");
    *count += put_scalar(unit, out + *count);
    return true;
}

static bool read_text(reader *reader, const char **text, size_t *size) {
    if (!take(reader, '"')) return document_fail(reader, "a text in quotes is expected");
    const char *close = reader->at;
    while (close < reader->end && *close != '"') close += *close == '\\' && close + 1 < reader->end ? 2 : 1;
    if (close >= reader->end) return document_fail(reader, "a text without an end");
    /* No escape is shorter than what it stands for. */
    char *out = document_allocate(reader, (size_t)(close - reader->at) + 1);
    if (!out) return false;
    size_t count = 0;
    while (reader->at < close) {
        char byte = *reader->at++;
        if (byte == '\\') {
            if (!read_escape(reader, out, &count)) return false;
        } else if ((unsigned char)byte < 0x20) {
            return document_fail(reader, "a control character in a text");
        } else {
            out[count++] = byte;
        }
    }
    if (reader->at != close) return document_fail(reader, "an escape leads over the end of a text");
    reader->at = close + 1;
    out[count] = 0;
    *text = out;
    *size = count;
    return true;
}

static bool is_digit(const reader *reader, const char *at) {
    return at < reader->end && *at >= '0' && *at <= '9';
}

/* What is rare and long goes to the C library; most numbers are exact in two steps. */
static double number_of(const char *start, const char *end, uint64_t digits, int exponent, int digit_count) {
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (digit_count <= 15 && exponent >= -22 && exponent <= 22) {
        double value = (double)digits;
        value = exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
        return *start == '-' ? -value : value;
    }
    char text[64];
    size_t size = (size_t)(end - start);
    if (size >= sizeof text) return adapter_number(start, NULL);
    memcpy(text, start, size);
    text[size] = 0;
    return adapter_number(text, NULL);
}

static bool read_number(reader *reader, double *number) {
    const char *start = reader->at, *at = start;
    bool is_negative = at < reader->end && *at == '-';
    if (is_negative) ++at;
    reader->at = at;
    /* XGBoost writes these where a loss or a split was one. */
    if (take_word(reader, "NaN") || take_word(reader, "nan")) return *number = NAN, true;
    if (take_word(reader, "Infinity") || take_word(reader, "inf")) {
        *number = is_negative ? -INFINITY : INFINITY;
        return true;
    }
    if (!is_digit(reader, at)) return document_fail(reader, "a value is expected");
    uint64_t digits = 0;
    int digit_count = 0, exponent = 0;
    for (; is_digit(reader, at); ++at) {
        if (digit_count < 19) digits = digits * 10 + (uint64_t)(*at - '0');
        digit_count += digits != 0 && digit_count < 1000;
    }
    if (at < reader->end && *at == '.') {
        ++at;
        if (!is_digit(reader, at)) return document_fail(reader, "a digit has to follow a point");
        for (; is_digit(reader, at); ++at) {
            if (digit_count < 19) digits = digits * 10 + (uint64_t)(*at - '0');
            if (exponent > -1000) --exponent;
            digit_count += digits != 0 && digit_count < 1000;
        }
    }
    if (at < reader->end && (*at == 'e' || *at == 'E')) {
        ++at;
        bool is_small = at < reader->end && *at == '-';
        if (at < reader->end && (*at == '-' || *at == '+')) ++at;
        if (!is_digit(reader, at)) return document_fail(reader, "a number's exponent has no digits");
        int power = 0;
        for (; is_digit(reader, at); ++at) power = power < 100000 ? power * 10 + (*at - '0') : power;
        exponent += is_small ? -power : power;
    }
    *number = number_of(start, at, digits, exponent, digit_count);
    reader->at = at;
    return true;
}

static bool starts_number(const reader *reader) {
    return reader->at < reader->end && (is_digit(reader, reader->at) || memchr("-NIni", *reader->at, 5))
        && !((size_t)(reader->end - reader->at) >= 4 && !memcmp(reader->at, "null", 4));
}

static bool read_numbers(reader *reader, value *value) {
    size_t capacity = 0;
    do {
        skip_space(reader);
        double number;
        if (!read_number(reader, &number)) return false;
        if (!reader->skips) {
            if (!document_append(reader, (void **)&value->numbers, value->count, &capacity, sizeof number)) return false;
            value->numbers[value->count] = number;
        }
        value->count += 1;
        skip_space(reader);
    } while (take(reader, ','));
    return take(reader, ']') || document_fail(reader, "a list of numbers goes on with `,` or ends with `]`");
}

static bool read_list(reader *reader, value *value) {
    *value = (struct value){.kind = value_numbers};
    skip_space(reader);
    if (take(reader, ']')) return true;
    if (starts_number(reader)) return read_numbers(reader, value);
    value->kind = value_list;
    size_t capacity = 0;
    do {
        if (!document_append(reader, (void **)&value->items, value->count, &capacity, sizeof *value->items)) return false;
        if (!document_read_json(reader, &value->items[value->count])) return false;
        value->count += 1;
    } while (take(reader, ','));
    return take(reader, ']') || document_fail(reader, "a list goes on with `,` or ends with `]`");
}

static bool read_object(reader *reader, value *value) {
    *value = (struct value){.kind = value_object};
    skip_space(reader);
    if (take(reader, '}')) return true;
    size_t capacity = 0;
    do {
        if (!document_append(reader, (void **)&value->members, value->count, &capacity, sizeof *value->members)) {
            return false;
        }
        member *member = &value->members[value->count];
        size_t size;
        skip_space(reader);
        if (!read_text(reader, &member->name, &size)) return false;
        skip_space(reader);
        if (!take(reader, ':')) return document_fail(reader, "a name is followed by `:`");
        bool skips = reader->skips;
        reader->skips = skips || document_skips(member->name);
        if (!document_read_json(reader, &member->value)) return false;
        if (reader->skips) member->value.kind = value_skipped;
        reader->skips = skips;
        value->count += 1;
    } while (take(reader, ','));
    return take(reader, '}') || document_fail(reader, "an object goes on with `,` or ends with `}`");
}

static bool read_any(reader *reader, value *value) {
    if (reader->at >= reader->end) return document_fail(reader, "it ends too early");
    if (take(reader, '{')) return read_object(reader, value);
    if (take(reader, '[')) return read_list(reader, value);
    *value = (struct value){.kind = value_null};
    if (*reader->at == '"') {
        value->kind = value_text;
        return read_text(reader, &value->text, &value->count);
    }
    if (take_word(reader, "null")) return true;
    value->kind = value_flag;
    value->flag = take_word(reader, "true");
    if (value->flag || take_word(reader, "false")) return true;
    value->kind = value_number;
    return read_number(reader, &value->number);
}

bool document_read_json(reader *reader, value *value) {
    if (++reader->depth > DEPTH_MOST) return document_fail(reader, "it nests too deep");
    skip_space(reader);
    bool read = read_any(reader, value);
    skip_space(reader);
    --reader->depth;
    return read;
}

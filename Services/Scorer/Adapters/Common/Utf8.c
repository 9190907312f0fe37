#include "adapter_text.h"

#include <stdint.h>

/* The bytes of the character that starts here; 0 where none does: too long a form, half of a pair, beyond the last. */
static size_t character(const uint8_t *bytes, size_t left) {
    uint8_t first = *bytes;
    if (first < 0x80) return 1;
    size_t size = 0;
    if (first >= 0xc2 && first < 0xe0) size = 2;
    if (first >= 0xe0 && first < 0xf0) size = 3;
    if (first >= 0xf0 && first < 0xf5) size = 4;
    if (size == 0 || size > left) return 0;
    for (size_t index = 1; index < size; ++index) {
        if ((bytes[index] & 0xc0) != 0x80) return 0;
    }
    bool is_too_long = (first == 0xe0 && bytes[1] < 0xa0) || (first == 0xf0 && bytes[1] < 0x90);
    bool is_no_character = (first == 0xed && bytes[1] >= 0xa0) || (first == 0xf4 && bytes[1] >= 0x90);
    return is_too_long || is_no_character ? 0 : size;
}

void adapter_text_repair(char *bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t step = character((const uint8_t *)bytes + at, size - at);
        if (step == 0) bytes[at] = '?';
        at += step ? step : 1;
    }
}

bool adapter_text_is_utf8(const char *bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t step = character((const uint8_t *)bytes + at, size - at);
        if (step == 0) return false;
        at += step;
    }
    return true;
}

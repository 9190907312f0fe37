#include "Frame.h"

#include <string.h>

static uint64_t rounded(uint64_t size, uint64_t to) {
    return (size + to - 1) & ~(to - 1);
}

void python_frame_begin(python_frame *frame, uint32_t kind) {
    python_frame_header header = {.kind = kind};
    memcpy(frame->bytes, &header, sizeof header);
    frame->size = sizeof header;
    frame->place = 0;
    frame->count = 0;
    frame->failed = false;
}

void python_frame_add(
    python_frame *frame, python_region *region, uint8_t datatype, slipway_bytes name, const int64_t *shape,
    uint32_t rank, slipway_bytes content) {
    uint64_t needed = sizeof(python_frame_item_header) + 8 * (uint64_t)rank + rounded(name.size, 8);
    if (frame->failed || rank > FRAME_MOST_DIMENSIONS || name.size > UINT16_MAX
        || needed > FRAME_CAPACITY - frame->size || content.size > UINT64_MAX / 2 - frame->place
        || !python_region_hold(region, frame->place + content.size)) {
        frame->failed = true;
        return;
    }
    python_frame_item_header item = {datatype, (uint8_t)rank, (uint16_t)name.size, 0, frame->place, content.size};
    uint8_t *bytes = frame->bytes + frame->size;
    memcpy(bytes, &item, sizeof item);
    bytes += sizeof item;
    if (rank) memcpy(bytes, shape, 8 * (size_t)rank);
    bytes += 8 * (size_t)rank;
    if (name.size) memcpy(bytes, name.data, name.size);
    memset(bytes + name.size, 0, rounded(name.size, 8) - name.size);
    if (content.size) memcpy(region->memory + frame->place, content.data, content.size);
    frame->place = rounded(frame->place + content.size, 64);
    frame->size += needed;
    ++frame->count;
}

void python_frame_text(python_frame *frame, python_region *region, const char *name, const char *text) {
    python_frame_add(
        frame, region, FRAME_RAW, (slipway_bytes){name, strlen(name)}, NULL, 0, (slipway_bytes){text, strlen(text)});
}

bool python_frame_end(python_frame *frame, const python_region *region) {
    python_frame_header header;
    memcpy(&header, frame->bytes, sizeof header);
    header.region = region->size;
    header.count = frame->count;
    memcpy(frame->bytes, &header, sizeof header);
    return !frame->failed;
}

bool python_frame_open(python_frame *frame, python_region *region, python_frame_header *header) {
    if (frame->size < sizeof *header) return false;
    memcpy(header, frame->bytes, sizeof *header);
    frame->place = sizeof *header;
    return python_region_see(region, header->region);
}

bool python_frame_next(python_frame *frame, const python_region *region, python_frame_item *item) {
    python_frame_item_header read;
    if (frame->size - frame->place < sizeof read) return false;
    memcpy(&read, frame->bytes + frame->place, sizeof read);
    uint64_t needed = sizeof read + 8 * (uint64_t)read.rank + rounded(read.name_size, 8);
    if (read.rank > FRAME_MOST_DIMENSIONS || needed > frame->size - frame->place) return false;
    if (read.offset > region->size || read.size > region->size - read.offset) return false;
    const uint8_t *bytes = frame->bytes + frame->place + sizeof read;
    item->datatype = read.datatype;
    item->rank = read.rank;
    memcpy(item->shape, bytes, 8 * (size_t)read.rank);
    item->name = (slipway_bytes){bytes + 8 * (size_t)read.rank, read.name_size};
    item->content = (slipway_bytes){region->memory + read.offset, read.size};
    frame->place += needed;
    return true;
}
